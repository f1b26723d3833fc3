import MMCore
import MMLegacy
import MMMCP
import MMOperations

/// What a profile makes special of the HTTP face: pages beside the protocol, and the end of a client's session.
struct ProfileHTTPFace: Sendable {
    private let profile: ToolProfile?
    private let services: OperationServices

    /// What a profile makes special; without one nothing is.
    init(_ profile: ToolProfile?, _ services: OperationServices) {
        self.profile = profile
        self.services = services
    }

    /// How the protocol behaves.
    var engineOptions: HTTPOptions {
        var options = HTTPOptions()
        if let idle = profile?.http.sessionIdle { options.sessionIdle = idle }
        if let ended = profile?.http.sessionEnded {
            let services = services
            options.sessionEnded = { name in
                Task { await ended(ProfileServer.owner(session: name), services) }
            }
        }
        return options
    }

    /// What is served beside it.
    var pages: [String: @Sendable () async -> JSONValue] {
        let services = services
        return (profile?.http.pages ?? [:]).mapValues { page in { await page(services) } }
    }

    /// What whoever starts the server should know.
    /// - Parameter host: where it listens.
    func warnings(host: String) -> [String] {
        (profile?.http.warnings ?? [])
            + (host == "0.0.0.0" || host == "::"
                ? ["The server listens on all interfaces: everyone who can reach it may use it."] : [])
    }
}
