/// Who asks for an operation.
public struct Caller: Sendable, Hashable {
    /// The face a call came through.
    public enum Surface: String, Sendable {
        /// A person's terminal or script, `mm`.
        case terminal
        /// An AI client, `mm-mcp`.
        case mcp
        /// A program over HTTP.
        case rest
        /// A Swift program that embeds the libraries.
        case library
    }

    /// The face the call came through.
    public package(set) var surface: Surface
    /// The client's own name, such as `claude-code 2.1`, for the audit log.
    public package(set) var name: String
    /// The server name that a connection's `mcps` list is compared with; `nil` for the owner's own terminal, which is
    /// exempt.
    public package(set) var server: String?

    /// The person or app behind the caller, where it signed in to this server; `nil` for this machine's user.
    package var signedIn: Principal?

    /// A caller.
    /// - Parameters:
    ///   - surface: the face the call came through.
    ///   - name: the client's own name.
    ///   - server: the server name that `mcps` lists are compared with.
    public init(surface: Surface, name: String, server: String?) {
        self.surface = surface
        self.name = name
        self.server = server
    }
}

extension Caller {
    /// A person or app that signed in to this server: what is one's belongs to nobody else.
    package struct Principal: Sendable, Hashable {
        /// What tells them from everybody else, as long as their account lasts: `TENANT/OBJECT`, or issuer and subject.
        package let id: String
        /// A name to show. It decides nothing: others may be able to change it.
        package let name: String?

        /// A principal.
        package init(id: String, name: String?) {
            self.id = id
            self.name = name
        }
    }
}
