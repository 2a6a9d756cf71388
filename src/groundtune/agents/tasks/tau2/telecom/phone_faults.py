"""What goes wrong with the phone before a task begins, and the checks of how it is afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from groundtune.agents.tasks.environment import checks, starts
from groundtune.agents.tasks.tau2.telecom.phone import ServiceStatus, VpnServer, has_data, in_words, sends_mms, speed
from groundtune.agents.tasks.tau2.telecom.phone_tools import PhoneState


class PhoneFaults:
    """Steps of a task's start."""

    def __init__(self, state: PhoneState) -> None:
        self._state = state

    @starts
    def set_user_info(self, name: str, phone_number: str) -> None:
        """Say who the customer is."""
        self._state.around = replace(self._state.around, name=name, phone_number=phone_number)

    @starts
    def set_user_location(self, abroad: bool) -> None:
        """Put the customer abroad, or at home."""
        self._state.around = replace(self._state.around, is_abroad=abroad)

    @starts
    def simulate_network_search(self) -> None:
        """Look for a network."""
        self._state.search()

    @starts
    def turn_airplane_mode_on(self) -> None:
        """Turn airplane mode on."""
        self._state.set_airplane_mode(True)

    @starts
    def turn_airplane_mode_off(self) -> None:
        """Turn airplane mode off."""
        self._state.set_airplane_mode(False)

    @starts
    def turn_data_on(self) -> None:
        """Turn mobile data on."""
        self._state.set(data_enabled=True)

    @starts
    def turn_data_off(self) -> None:
        """Turn mobile data off."""
        self._state.set(data_enabled=False)
        self._state.search()

    @starts
    def turn_roaming_on(self) -> None:
        """Turn data roaming on."""
        self._state.set(roaming_enabled=True)
        self._state.search()

    @starts
    def turn_roaming_off(self) -> None:
        """Turn data roaming off."""
        self._state.set(roaming_enabled=False)
        self._state.search()

    @starts
    def turn_data_saver_mode_on(self) -> None:
        """Turn data saver mode on."""
        self._state.set(data_saver_mode=True)

    @starts
    def turn_data_saver_mode_off(self) -> None:
        """Turn data saver mode off."""
        self._state.set(data_saver_mode=False)

    @starts
    def unseat_sim_card(self) -> None:
        """Take the SIM card out."""
        self._state.set(sim_card_missing=True)
        self._state.search()

    @starts
    def lock_sim_card(self, mode: Literal["pin", "puk"]) -> None:
        """Lock the SIM card, which no tool undoes."""
        self._state.set(sim_card_status=f"locked_{mode}")
        self._state.search()

    @starts
    def break_apn_settings(self) -> None:
        """Break the access point, without which there is no service."""
        self._state.set(active_apn_settings=replace(self._state.phone.active_apn_settings, apn_name="broken"))
        self._state.search()

    @starts
    def break_apn_mms_setting(self) -> None:
        """Take the address for picture messages away."""
        self._state.set(active_apn_settings=replace(self._state.phone.active_apn_settings, mmsc_url=None))

    @starts
    def break_vpn(self) -> None:
        """Connect to a VPN that is slow."""
        self._state.set(vpn_connected=True, vpn_details=VpnServer(server_performance="poor"))

    @starts
    def set_wifi_calling(self, enabled: bool, mms_over_wifi: bool | None = None) -> None:
        """Turn Wi-Fi calling, and perhaps picture messages over it, on or off."""
        self._state.set(wifi_calling_enabled=enabled)
        if mms_over_wifi is not None:
            self._state.set(wifi_calling_mms_over_wifi=mms_over_wifi)

    @starts
    def remove_app_permission(self, app_name: str, permission: str) -> None:
        """Take a permission from an app."""
        self._state.permit(app_name, permission, allowed=False)


class PhoneChecks:
    """Checks of the final state."""

    def __init__(self, state: PhoneState) -> None:
        self._state = state

    @checks
    def assert_airplane_mode_status(self, expected_status: bool) -> bool:
        """Whether airplane mode is on or off."""
        return self._state.phone.airplane_mode == expected_status

    @checks
    def assert_service_status(self, expected_status: ServiceStatus) -> bool:
        """Whether the phone has service, or has none."""
        return self._state.phone.network_connection_status == expected_status

    @checks
    def assert_mobile_data_status(self, expected_status: bool) -> bool:
        """Whether mobile data works."""
        return has_data(self._state.phone, self._state.around) == expected_status

    @checks
    def assert_mobile_roaming_status(self, expected_status: bool) -> bool:
        """Whether data roaming is on or off."""
        return self._state.phone.roaming_enabled == expected_status

    @checks
    def assert_mobile_data_saver_mode_status(self, expected_status: bool) -> bool:
        """Whether data saver mode is on or off."""
        return self._state.phone.data_saver_mode == expected_status

    @checks
    def assert_internet_speed(self, expected_speed: float, expected_desc: str | None = None) -> bool:
        """Whether mobile data is at least so many Mbps fast, and is called so."""
        mbps = speed(self._state.phone, self._state.around)
        if mbps is None:
            return expected_speed <= 0 and expected_desc is None
        return mbps >= expected_speed and (expected_desc is None or in_words(mbps) == expected_desc.lower())

    @checks
    def assert_internet_not_excellent(self) -> bool:
        """Whether mobile data is less than excellent, or does not work."""
        mbps = speed(self._state.phone, self._state.around)
        return mbps is None or in_words(mbps) != "excellent"

    @checks
    def assert_can_send_mms(self, expected_status: bool) -> bool:
        """Whether the messaging app can send pictures."""
        return sends_mms(self._state.phone, self._state.around) == expected_status

    @checks
    def assert_mobile_data_usage_exceeded(self, expected_status: bool) -> bool:
        """Whether the line has used all its data."""
        return self._state.around.mobile_data_usage_exceeded == expected_status
