"""The page of the data model is what the models say."""

from scripts import data_model


def test_the_page_of_the_data_model_is_what_the_models_say() -> None:
    assert data_model.PAGE.read_text() == data_model.page(), "Run `make datamodel`."
