/// The name of a session: a connection, and a module or service of it.
public struct SessionKey: PoolKey {
    /// The connection's name.
    public let connection: String
    /// The module or service, such as `exo` or `graph-api`.
    public let module: String

    /// Creates the name of a session.
    public init(connection: String, module: String) {
        self.connection = connection
        self.module = module
    }

    /// The connection.
    public var owner: String { connection }

    /// `connection/module`.
    public var description: String { "\(connection)/\(module)" }

    /// Orders by connection, then by module.
    public static func < (left: SessionKey, right: SessionKey) -> Bool {
        (left.connection, left.module) < (right.connection, right.module)
    }
}
