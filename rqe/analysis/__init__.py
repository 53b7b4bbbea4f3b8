"""Questions asked of equilibria: parameters in, frozen tables out; nothing prints."""
