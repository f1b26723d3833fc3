import MMCore
import MMMCP
import MMOperations

/// The calls of a server's clients: identifies the callers, and the owners of the jobs and shells that calls leave
/// behind.
final class ClientCalls: Sendable {
    private let serverName: String
    private let readsOnly: Bool
    /// Distinguishes this server's clients from those of other processes at the same pool.
    private let instance = RandomBytes.text(bytes: 12)
    private let home: HomeName
    private let principals: PrincipalTable
    /// The sessions that have called, each with its principal.
    private let clients = Mutex<[String: String]>([:])

    /// Creates the calls of a server's clients.
    /// - Parameters:
    ///   - options: the server's name, and whether it only reads.
    ///   - paths: the paths under which the home's own name is kept.
    ///   - principals: the callers who signed in.
    init(_ options: MCPFaceOptions, _ paths: StatePaths, principals: PrincipalTable) {
        self.principals = principals
        serverName = options.serverName
        readsOnly = options.readOnly
        home = HomeName(paths)
    }

    /// Returns the context of a call for a request.
    func call(for context: RequestContext) -> CallContext {
        var call = context.call(to: serverName, principals: principals)
        call.readsOnly = readsOnly
        let session = "\(instance):\(context.principal.name)"
        // Without a permanent name, a client can't be recognized by a later process.
        let jobOwner = "\(home.text ?? instance):\(context.principal.name)"
        call.sessionID = session
        call.jobOwner = jobOwner
        clients.withLock { $0[session] = jobOwner }
        return call
    }

    /// A context for each client that has called, to sign it off.
    var farewells: [CallContext] {
        clients.withLock { $0 }.map { session, jobOwner in
            var call = CallContext(caller: Caller(surface: .mcp, name: "mm-mcp", server: serverName))
            call.sessionID = session
            call.jobOwner = jobOwner
            return call
        }
    }
}

/// The name by which a home's front-ends identify themselves to pools. It is random and kept in the state folder, so
/// that a process that a gateway starts later is recognized, and a process of another home can't claim the same.
final class HomeName: Sendable {
    private let path: String
    private let known = Mutex<String?>(nil)

    /// Creates the name for these paths. Nothing is read before the name is used.
    init(_ paths: StatePaths) {
        path = paths.frontEndName
    }

    /// The name, created if there is none yet; `nil` if it can't be stored.
    var text: String? {
        known.withLock { known in
            if known == nil { known = try? kept() }
            return known
        }
    }

    private func kept() throws(MMError) -> String {
        let bytes = try ProtectedFile.kept(
            at: path, limit: 256, isSound: { $0.count >= 18 && $0.allSatisfy { $0 > 0x20 && $0 < 0x7F } }
        ) { Array(RandomBytes.text(bytes: 18).utf8) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
