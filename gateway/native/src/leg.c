#define PY_SSIZE_T_CLEAN
#include "leg.h"

#include <stddef.h>
#include <structmember.h>

bool leg_passes(Leg *leg, const uint8_t *data, size_t size)
{
    Walk walk;
    Scanner *scanner = leg->scanner;
    if (!size || !leg->flows || !scanner || !leg->meter || scanner->closed)
        return false;
    if (!scanner_walk(scanner, data, size, &walk) || !meter_take(leg->meter, walk.messages, walk.octets))
        return false;
    scanner_advance(scanner, &walk);
    return true;
}

static PyObject *passes(Leg *leg, PyObject *data)
{
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE))
        return NULL;
    const bool may_pass = leg_passes(leg, view.buf, (size_t)view.len);
    PyBuffer_Release(&view);
    return PyBool_FromLong(may_pass);
}

/* An attribute that holds an object of one type, or nothing yet. */
typedef struct {
    size_t offset;
    PyTypeObject *type;
} Part;

static PyObject *get_part(PyObject *self, void *closure)
{
    PyObject *value = *(PyObject **)((char *)self + ((Part *)closure)->offset);
    return Py_NewRef(value ? value : Py_None);
}

static int set_part(PyObject *self, PyObject *value, void *closure)
{
    const Part *part = closure;
    if (!value || !PyObject_TypeCheck(value, part->type)) {
        PyErr_Format(PyExc_TypeError, "this must be a %s", part->type->tp_name);
        return -1;
    }
    PyObject **place = (PyObject **)((char *)self + part->offset);
    Py_XSETREF(*place, Py_NewRef(value));
    return 0;
}

static int leg_traverse(Leg *leg, visitproc visit, void *arg)
{
    Py_VISIT(leg->scanner);
    Py_VISIT(leg->meter);
    return 0;
}

static int leg_clear(Leg *leg)
{
    Py_CLEAR(leg->scanner);
    Py_CLEAR(leg->meter);
    return 0;
}

static void leg_dealloc(Leg *leg)
{
    PyObject_GC_UnTrack(leg);
    leg_clear(leg);
    Py_TYPE(leg)->tp_free((PyObject *)leg);
}

static Part scanner_part = {offsetof(Leg, scanner), &ScannerType};
static Part meter_part = {offsetof(Leg, meter), &MeterType};

static PyGetSetDef getset[] = {
    {"scanner", get_part, set_part, "Reads what this side sends.", &scanner_part},
    {"meter", get_part, set_part, "Says what may pass of it.", &meter_part},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef members[] = {
    {"flows", T_BOOL, offsetof(Leg, flows), 0, NULL},
    {"heard", T_BOOL, offsetof(Leg, heard), 0, NULL},
    {"is_ahead", T_BOOL, offsetof(Leg, is_ahead), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef methods[] = {
    {"passes", (PyCFunction)passes, METH_O,
     "Whether all of a chunk may pass as it is; then it is counted, else nothing has changed."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject LegType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "gateway.native._native.LegBase",
    .tp_doc = "One side of a relay: what it sends, read and metered.",
    .tp_basicsize = sizeof(Leg),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_methods = methods,
    .tp_members = members,
    .tp_getset = getset,
    .tp_traverse = (traverseproc)leg_traverse,
    .tp_clear = (inquiry)leg_clear,
    .tp_dealloc = (destructor)leg_dealloc,
};
