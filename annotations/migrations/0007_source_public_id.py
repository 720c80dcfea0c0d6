"""Sources get random ids: their names may change, and hold slashes."""

import uuid

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def give_ids(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """An id of its own for each source that stands."""
    sources = apps.get_model("annotations", "Source").objects.using(editor.connection.alias)
    rows = list(sources.only("pk"))
    for row in rows:
        row.public_id = uuid.uuid4()
    sources.bulk_update(rows, ["public_id"], batch_size=500)


class Migration(migrations.Migration):

    dependencies = [
        ("annotations", "0006_highlights"),
    ]

    operations = [
        migrations.AddField(
            model_name="source",
            name="public_id",
            field=models.UUIDField(default=uuid.uuid4, editable=False, null=True),
        ),
        migrations.RunPython(give_ids, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name="source",
            name="public_id",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True),
        ),
    ]
