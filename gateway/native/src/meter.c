#define PY_SSIZE_T_CLEAN
#include "meter.h"

#include <stddef.h>
#include <structmember.h>

static bool has_room(const Source *source, uint64_t need)
{
    if (!source->spent || source->top < 0)
        return false;
    const uint64_t top = (uint64_t)source->top, spent = *source->spent;
    return spent <= top && need <= top - spent;
}

bool meter_take(Meter *meter, uint64_t messages, uint64_t octets)
{
    if (!meter->sources)
        return false;
    const Py_ssize_t count = PyTuple_GET_SIZE(meter->sources);
    for (Py_ssize_t i = 0; i < count; i++) {
        const Source *source = (Source *)PyTuple_GET_ITEM(meter->sources, i);
        if (!has_room(source, source->octets ? octets : messages))
            return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        Source *source = (Source *)PyTuple_GET_ITEM(meter->sources, i);
        *source->spent += source->octets ? octets : messages;
    }
    return true;
}

/* --- Source ------------------------------------------------------------------------------------------------------ */

/* Find the place where it counts. */
static void source_place(Source *source)
{
    const bool has_place =
        source->cells && source->at >= 0 && source->at < source->view.len / (Py_ssize_t)sizeof(uint64_t);
    source->spent = has_place ? (uint64_t *)source->view.buf + source->at : NULL;
}

static void source_let_go(Source *source)
{
    source->spent = NULL;
    if (source->cells) {
        PyBuffer_Release(&source->view);
        Py_CLEAR(source->cells);
    }
}

static PyObject *source_get_cells(Source *source, void *closure)
{
    (void)closure;
    if (!source->cells) {
        PyErr_SetString(PyExc_AttributeError, "cells");
        return NULL;
    }
    return Py_NewRef(source->cells);
}

static int source_set_cells(Source *source, PyObject *cells, void *closure)
{
    (void)closure;
    Py_buffer view;
    if (!cells) {
        PyErr_SetString(PyExc_AttributeError, "cells");
        return -1;
    }
    if (PyObject_GetBuffer(cells, &view, PyBUF_WRITABLE | PyBUF_ND | PyBUF_FORMAT))
        return -1;
    if (view.ndim != 1 || view.itemsize != sizeof(uint64_t) || !view.format || view.format[0] != 'Q') {
        PyBuffer_Release(&view);
        PyErr_SetString(PyExc_TypeError, "cells are counts of 64 bits: array('Q'), or a memoryview cast to 'Q'");
        return -1;
    }
    source_let_go(source);
    source->cells = Py_NewRef(cells);
    source->view = view;
    source_place(source);
    return 0;
}

static PyObject *source_get_at(Source *source, void *closure)
{
    (void)closure;
    return PyLong_FromSsize_t(source->at);
}

static int source_set_at(Source *source, PyObject *value, void *closure)
{
    (void)closure;
    if (!value) {
        PyErr_SetString(PyExc_AttributeError, "at");
        return -1;
    }
    const Py_ssize_t at = PyLong_AsSsize_t(value);
    if (at == -1 && PyErr_Occurred())
        return -1;
    source->at = at;
    source_place(source);
    return 0;
}

static int source_traverse(Source *source, visitproc visit, void *arg)
{
    Py_VISIT(source->cells);
    return 0;
}

static int source_clear(Source *source)
{
    source_let_go(source);
    return 0;
}

static void source_dealloc(Source *source)
{
    PyObject_GC_UnTrack(source);
    source_let_go(source);
    Py_TYPE(source)->tp_free((PyObject *)source);
}

static PyMemberDef source_members[] = {
    {"top", T_LONGLONG, offsetof(Source, top), 0, NULL},
    {"octets", T_BOOL, offsetof(Source, octets), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef source_getset[] = {
    {"at", (getter)source_get_at, (setter)source_set_at, "Which of the cells it is.", NULL},
    {"cells", (getter)source_get_cells, (setter)source_set_cells, "Where it counts, one of many.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject SourceType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "gateway.native._native.SourceBase",
    .tp_doc = "A count in memory, and how far it may go.",
    .tp_basicsize = sizeof(Source),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_members = source_members,
    .tp_getset = source_getset,
    .tp_traverse = (traverseproc)source_traverse,
    .tp_clear = (inquiry)source_clear,
    .tp_dealloc = (destructor)source_dealloc,
};

/* --- Meter ------------------------------------------------------------------------------------------------------- */

static PyObject *meter_take_method(Meter *meter, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "take(messages, octets)");
        return NULL;
    }
    const unsigned long long messages = PyLong_AsUnsignedLongLong(args[0]);
    if (messages == (unsigned long long)-1 && PyErr_Occurred())
        return NULL;
    const unsigned long long octets = PyLong_AsUnsignedLongLong(args[1]);
    if (octets == (unsigned long long)-1 && PyErr_Occurred())
        return NULL;
    return PyBool_FromLong(meter_take(meter, messages, octets));
}

static PyObject *meter_draw_from(Meter *meter, PyObject *sources)
{
    PyObject *tuple = PySequence_Tuple(sources);
    if (!tuple)
        return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++)
        if (!PyObject_TypeCheck(PyTuple_GET_ITEM(tuple, i), &SourceType)) {
            Py_DECREF(tuple);
            PyErr_SetString(PyExc_TypeError, "a meter draws from sources");
            return NULL;
        }
    Py_XSETREF(meter->sources, tuple);
    Py_RETURN_NONE;
}

static PyObject *meter_get_sources(Meter *meter, void *closure)
{
    (void)closure;
    return meter->sources ? Py_NewRef(meter->sources) : PyTuple_New(0);
}

static int meter_traverse(Meter *meter, visitproc visit, void *arg)
{
    Py_VISIT(meter->sources);
    return 0;
}

static int meter_clear(Meter *meter)
{
    Py_CLEAR(meter->sources);
    return 0;
}

static void meter_dealloc(Meter *meter)
{
    PyObject_GC_UnTrack(meter);
    Py_CLEAR(meter->sources);
    Py_TYPE(meter)->tp_free((PyObject *)meter);
}

static PyMethodDef meter_methods[] = {
    {"take", (PyCFunction)(void (*)(void))meter_take_method, METH_FASTCALL,
     "Draw so many messages and bytes from every source, or from none; whether it was done."},
    {"draw_from", (PyCFunction)meter_draw_from, METH_O, "Draw from these sources from now on."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef meter_getset[] = {
    {"sources", (getter)meter_get_sources, NULL, "What it draws from.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject MeterType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "gateway.native._native.MeterBase",
    .tp_doc = "What one direction of one connection draws from.",
    .tp_basicsize = sizeof(Meter),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_methods = meter_methods,
    .tp_getset = meter_getset,
    .tp_traverse = (traverseproc)meter_traverse,
    .tp_clear = (inquiry)meter_clear,
    .tp_dealloc = (destructor)meter_dealloc,
};
