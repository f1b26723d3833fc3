/// Validation of collectors' URLs.
enum CollectorAddress {
    /// Whether a text is an HTTP or HTTPS URL with a host.
    static func isOne(_ text: String) -> Bool {
        for scheme in ["http://", "https://"] where text.hasPrefix(scheme) {
            let host = text.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            return !host.isEmpty && host.first != ":" && !host.contains("@")
                && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        }
        return false
    }
}
