"""The headers that backends were given so far may hold secrets, so all of them are sealed, in designs and revisions."""

from django.db import migrations

from core import vault


def seal(apps, schema_editor):
    sealed = {}
    for name, document in _documents(apps):
        headers = document.get("headers") or {}
        secrets = dict(document.get("secret_headers") or {})
        for header, value in headers.items():
            if value not in sealed:
                sealed[value] = vault.seal(value)
            secrets[header] = sealed[value]
        _write(apps, name, {**document, "headers": {}, "secret_headers": secrets})


def unseal(apps, schema_editor):
    for name, document in _documents(apps):
        secrets = {header: vault.unseal(value) for header, value in (document.get("secret_headers") or {}).items()}
        document = {key: value for key, value in document.items() if key != "secret_headers"}
        _write(apps, name, {**document, "headers": {**(document.get("headers") or {}), **secrets}})


def _documents(apps):
    for pk, options in apps.get_model("publisher", "Api").objects.values_list("pk", "endpoint_options"):
        if options:
            yield ("Api", pk), options
    for pk, snapshot in apps.get_model("publisher", "Revision").objects.values_list("pk", "snapshot"):
        if snapshot.get("endpoint_options"):
            yield ("Revision", pk), snapshot["endpoint_options"]


def _write(apps, name, document):
    model, pk = name
    rows = apps.get_model("publisher", model).objects.filter(pk=pk)
    if model == "Api":
        rows.update(endpoint_options=document)
    else:
        rows.update(snapshot={**rows.get().snapshot, "endpoint_options": document})


class Migration(migrations.Migration):
    dependencies = [("publisher", "0001_initial")]
    operations = [migrations.RunPython(seal, unseal)]
