"""An API as REST shows and takes it. What is said of one noun stands in its module; `apis` puts them together."""

from publisher.api.documents.apis import ApiDocument, ApiInfo, parts_of
from publisher.api.documents.presentation import (
    LINKS,
    OWNERS,
    BusinessInformation,
    Links,
    Names,
    Property,
)
from publisher.api.documents.topics import OperationsField

__all__ = [
    "LINKS",
    "OWNERS",
    "ApiDocument",
    "ApiInfo",
    "BusinessInformation",
    "Links",
    "Names",
    "OperationsField",
    "Property",
    "parts_of",
]
