/* gateway.native._native: the quick way of the relay. What it may do, and why it is safe, says decision 0037. */
#define PY_SSIZE_T_CLEAN
#include "closing.h"
#include "engine.h"
#include "head.h"
#include "leg.h"
#include "meter.h"
#include "scanner.h"
#include "tls.h"
#include "transport.h"

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "gateway.native._native",
    .m_doc = "The quick way of the relay, in C.",
    .m_size = -1,
    .m_methods = head_methods,
};

PyMODINIT_FUNC PyInit__native(void)
{
    struct {
        const char *name;
        PyTypeObject *type;
    } types[] = {
        {"ScannerBase", &ScannerType},
        {"SourceBase", &SourceType},
        {"MeterBase", &MeterType},
        {"LegBase", &LegType},
        {"Engine", &EngineType},
        {"Transport", &TransportType},
        {"Tls", &TlsType},
    };
    if (!tls_prepare() || !transport_prepare() || !closing_prepare() || !head_prepare())
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    PyObject *module = PyModule_Create(&definition);
    for (size_t i = 0; module && i < sizeof types / sizeof *types; i++)
        if (PyType_Ready(types[i].type) || PyModule_AddObjectRef(module, types[i].name, (PyObject *)types[i].type))
            Py_CLEAR(module);
    return module;
}
