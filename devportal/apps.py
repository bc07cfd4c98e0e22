from django.apps import AppConfig


class DevportalConfig(AppConfig):
    name = "devportal"
