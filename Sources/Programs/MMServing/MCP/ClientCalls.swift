import MMCore
import MMMCP
import MMOperations

/// The calls of a server's clients: who asks, and whose the jobs and shells are that a call leaves behind.
final class ClientCalls: Sendable {
    private let serverName: String
    private let readsOnly: Bool
    /// Tells this server's clients from those of every other process at the same pool.
    private let instance = RandomBytes.text(bytes: 12)
    private let home: HomeName
    private let principals: PrincipalTable
    /// The sessions that have called, each with its principal.
    private let clients = Mutex<[String: String]>([:])

    /// The calls of a server's clients.
    /// - Parameters:
    ///   - options: under which name the server is known, and whether it only reads.
    ///   - paths: where the home's own name is kept.
    ///   - principals: those who signed in.
    init(_ options: MCPFaceOptions, _ paths: StatePaths, principals: PrincipalTable) {
        self.principals = principals
        serverName = options.serverName
        readsOnly = options.readOnly
        home = HomeName(paths)
    }

    /// What goes with an operation that is called for a request.
    func call(for context: RequestContext) -> CallContext {
        var call = context.call(to: serverName, principals: principals)
        call.readsOnly = readsOnly
        let session = "\(instance):\(context.principal.name)"
        // Without a name that lasts, nobody can be known again.
        let jobOwner = "\(home.text ?? instance):\(context.principal.name)"
        call.sessionID = session
        call.jobOwner = jobOwner
        clients.withLock { $0[session] = jobOwner }
        return call
    }

    /// A call of each client that has called, to take its leave.
    var farewells: [CallContext] {
        clients.withLock { $0 }.map { session, jobOwner in
            var call = CallContext(caller: Caller(surface: .mcp, name: "mm-mcp", server: serverName))
            call.sessionID = session
            call.jobOwner = jobOwner
            return call
        }
    }
}

/// The name that a home's front-ends give themselves at pools: random, kept in the state folder, so that a process which a
/// gateway starts later is known again, and nobody of another home can say the same.
final class HomeName: Sendable {
    private let path: String
    private let known = Mutex<String?>(nil)

    /// The name of the home of these paths. Nothing is read before it is asked for.
    init(_ paths: StatePaths) {
        path = paths.frontEndName
    }

    /// The name, made where there is none yet; `nil` where it can't be kept.
    var text: String? {
        known.withLock { known in
            if known == nil { known = try? kept() }
            return known
        }
    }

    private func kept() throws(MMError) -> String {
        if let name = try read() { return name }
        return try FileLock.with(path) { () throws(MMError) in
            if let name = try read() { return name }
            let name = RandomBytes.text(bytes: 18)
            try ProtectedFile.replace(path, with: Array(name.utf8))
            return name
        }
    }

    private func read() throws(MMError) -> String? {
        guard let bytes = try ProtectedFile.read(path, limit: 256) else { return nil }
        let name = String(decoding: bytes, as: UTF8.self)
        return name.utf8.count >= 18 && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? name : nil
    }
}
