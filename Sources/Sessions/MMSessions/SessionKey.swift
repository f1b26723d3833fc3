internal import MMCore

/// The name of a session: a connection, and a module or service of it.
public struct SessionKey: PoolKey {
    /// The connection's name.
    public let connection: String
    /// The module or service, such as `exo` or `graph-api`.
    public let module: String
    /// The person whose session it is, where a server serves several people who signed in to it; `nil` for the
    /// connection's own.
    package let signedIn: String?

    /// Creates the name of a session.
    /// - Parameters:
    ///   - connection: the connection's name.
    ///   - module: the module or service, such as `exo` or `graph-api`.
    public init(connection: String, module: String) {
        self.init(connection: connection, module: module, signedIn: nil)
    }

    /// Creates the name of a session that belongs to one of several people.
    package init(connection: String, module: String, signedIn: String?) {
        self.connection = connection
        self.module = module
        self.signedIn = signedIn
    }

    /// The connection.
    public var owner: String { connection }

    /// `connection/module`, with a mark for one of several people.
    public var description: String {
        let mark = signedIn.map { "@" + Hex.text(SHA256.digest($0.utf8).prefix(4)) } ?? ""
        return "\(connection)/\(module)\(mark)"
    }

    /// Returns whether it names one of the connection's sessions, of the module and the person that are given.
    package func isMeant(by connection: String?, module: String?, signedIn: String?) -> Bool {
        (connection == nil || connection == self.connection) && (module == nil || module == self.module)
            && (signedIn == nil || signedIn == self.signedIn)
    }

    /// Orders by connection, then by module.
    public static func < (left: SessionKey, right: SessionKey) -> Bool {
        (left.connection, left.module, left.signedIn ?? "") < (right.connection, right.module, right.signedIn ?? "")
    }
}
