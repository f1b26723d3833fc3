/// The caller of an operation.
public struct Caller: Sendable, Hashable {
    /// The front-end a call came through.
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

    /// The front-end the call came through.
    public package(set) var surface: Surface
    /// The client's own name, such as `claude-code 2.1`, for the audit log.
    public package(set) var name: String
    /// The server name that a connection's `mcps` list is compared with; `nil` for the owner's own terminal, which is
    /// exempt.
    public package(set) var server: String?

    /// The person or app behind the caller, if it signed in to this server; `nil` for this machine's user.
    package var signedIn: Principal?

    /// Creates a caller.
    /// - Parameters:
    ///   - surface: the front-end the call came through.
    ///   - name: the client's own name.
    ///   - server: the server name that `mcps` lists are compared with.
    public init(surface: Surface, name: String, server: String?) {
        self.surface = surface
        self.name = name
        self.server = server
    }
}

extension Caller {
    /// A person or app that signed in to this server. What belongs to one principal is not accessible to others.
    package struct Principal: Sendable, Hashable {
        /// An id that is unique and stable for the lifetime of the account: `TENANT/OBJECT`, or issuer and subject.
        package let id: String
        /// A name to show. It is never used for a decision, since others may be able to change it.
        package let name: String?

        /// Creates a principal.
        package init(id: String, name: String?) {
            self.id = id
            self.name = name
        }
    }
}
