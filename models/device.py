# ruff: noqa: RUF009 (the calls declare fields, as dataclasses.field does)
"""Smart Data Models, dataModel.Device (CC-BY-4.0)."""

from dataclasses import dataclass
from typing import ClassVar

from models.base import Model, Point, fixed, measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Device(Model):
    """A terminal in the field: when it last spoke and what it watches. Battery level runs from 0 to 1."""

    TYPE: ClassVar[str] = "Device"
    INSTANTS: ClassVar[tuple[str, ...]] = ("dateLastValueReported",)

    name: str | None = fixed("name")
    category: tuple[str, ...] | None = fixed("category")
    controlled_property: tuple[str, ...] | None = fixed("controlledProperty")
    supported_protocol: tuple[str, ...] | None = fixed("supportedProtocol")
    serial_number: str | None = fixed("serialNumber")
    location: Point | None = measured("location")  # of what moves
    place: Point | None = fixed("location")  # of what stands
    reported_location: Point | None = measured("reportedLocation")  # what the receiver of a standing one says
    altitude: float | None = measured("altitude", "MTR")
    battery_level: float | None = measured("batteryLevel", "C62")
    battery_voltage: float | None = measured("batteryVoltage", "VLT")
    rssi: float | None = measured("rssi", "DBM")
    snr: float | None = measured("snr", "2N")
    device_state: str | None = measured("deviceState")
    stale: bool | None = measured("stale")  # the frame repeats an older position
    snow_melting_status: str | None = measured("snowMeltingStatus")
    channel: int | None = measured("triggerChannel")
    trigger_1: float | None = measured("trigger1")
    trigger_2: float | None = measured("trigger2")
    acceleration_x: float | None = measured("accelerationX")  # of the axes and of what follows, no unit is documented
    acceleration_y: float | None = measured("accelerationY")
    acceleration_z: float | None = measured("accelerationZ")
    gyro_pitch: float | None = measured("gyroPitch")
    gyro_roll: float | None = measured("gyroRoll")
    gyro_yaw: float | None = measured("gyroYaw")
    pressure: float | None = measured("pressure")
    distance: float | None = measured("distance")
    illuminance: float | None = measured("illuminance", "LUX")
    temperature: float | None = measured("temperature", "CEL")
    relative_humidity: float | None = measured("relativeHumidity", "C62")
    digital_input: float | None = measured("digitalInput")
    digital_output: float | None = measured("digitalOutput")
    analog_input: float | None = measured("analogInput")
    analog_output: float | None = measured("analogOutput")
    presence: float | None = measured("presence")
    voltage_info: str | None = measured("voltageInfo")
    error: str | None = measured("deviceError")
