import MMCore
import MMGuard

/// The version of a provider's interface, which Azure refuses every request without: where it is known it is sent, and said.
enum ProviderVersion {
    /// The request with its version, and the note that says so; `nil` where the request names one, or none is known.
    static func added(to target: RequestTarget) -> (target: RequestTarget, note: String)? {
        guard target.queryValue("api-version") == nil,
            let version = ProviderVersions.version(for: "/" + target.segments.joined(separator: "/"))
        else { return nil }
        return (
            target.addingQuery("api-version", version),
            "Asked with api-version=\(version), since the request named none."
        )
    }
}
