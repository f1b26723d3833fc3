/// A revision of the Model Context Protocol, named by its date.
package struct ProtocolVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The date, as it appears on the wire.
    package let text: String

    /// Creates a revision with this date, known or not.
    package init(_ text: String) {
        self.text = text
    }

    /// The date.
    package var description: String { text }

    /// The first revision.
    package static let v2024_11_05 = ProtocolVersion("2024-11-05")
    /// Adds annotations, audio, completions, Streamable HTTP and, only here, batches.
    package static let v2025_03_26 = ProtocolVersion("2025-03-26")
    /// Adds structured results, resource links, elicitation and the version header.
    package static let v2025_06_18 = ProtocolVersion("2025-06-18")
    /// Adds icons, URL elicitation and resumable streams.
    package static let v2025_11_25 = ProtocolVersion("2025-11-25")
    /// The first revision without handshake and sessions.
    package static let v2026_07_28 = ProtocolVersion("2026-07-28")

    /// The supported revisions that begin with `initialize`, oldest first.
    package static let legacy: [ProtocolVersion] = [.v2024_11_05, .v2025_03_26, .v2025_06_18, .v2025_11_25]
    /// The supported revisions in which every request is self-contained, newest first.
    package static let modern: [ProtocolVersion] = [.v2026_07_28]

    /// Whether this is one of the supported legacy revisions.
    package var isLegacy: Bool { Self.legacy.contains(self) }
    /// Whether this is one of the supported modern revisions.
    package var isModern: Bool { Self.modern.contains(self) }

    /// Orders revisions from older to newer: dates in this form sort as text.
    package static func < (left: ProtocolVersion, right: ProtocolVersion) -> Bool { left.text < right.text }

    /// The version with which the server answers `initialize`: the requested one when known, otherwise the newest
    /// legacy one.
    static func negotiated(for requested: String) -> ProtocolVersion {
        let version = ProtocolVersion(requested)
        return version.isLegacy ? version : .v2025_11_25
    }
}

/// The two ways of making a request.
package enum Era: Sendable, Hashable {
    /// A request within a negotiated session.
    case legacy
    /// A request that carries its version and capabilities itself.
    case modern
}
