import MMCore
import MMOperations
import MMPool
import MMSystem

/// The operations of a cluster: a call that names a connection is carried out by the node that holds the connection's lease,
/// whichever node it reaches, and once.
struct ClusterOperationService: OperationService {
    let catalogue: Catalogue
    private let local: LocalOperationService
    private let member: ClusterMember
    private let work: ClusterWork

    init(_ local: LocalOperationService, _ member: ClusterMember) {
        catalogue = local.catalogue
        self.local = local
        self.member = member
        work = ClusterWork(local, member)
    }

    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        if ["jobs", "sessions"].contains(operation.declaration.name), !context.isForwarded {
            let jobs = ClusterJobs(operation: operation, context: context, local: local, member: member)
            return try await jobs.answer(watching: arguments["watch"]?.bool == true)
        }
        let answer = try await carriedOut(operation, arguments, in: context)
        await work.remember(answer, of: operation, arguments, in: context)
        return answer
    }

    private func carriedOut(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        guard let connection = local.services.leased(operation, arguments, in: context) else {
            var answer = try await unleased(operation, arguments, context)
            if operation.declaration.name == "status", context.caller.server == nil {
                answer.notes.append(await member.line())
            }
            return answer
        }
        var context = context
        if context.callID == nil { context.callID = "mm-\(RandomBytes.text(bytes: 15))" }
        let call = ClusterCall(
            operation: operation, arguments: arguments, context: context, connection: connection, local: local,
            member: member)
        return try await call.answer()
    }

    func forget(_ client: CallContext) async {
        await local.forget(client)
        guard client.sessionID != nil, !client.isForwarded else { return }
        for node in await others() { await node.service.forget(client) }
    }

    /// What is asked for by a handle lies on the node that made it, and so does what a call for several connections goes on with.
    private func unleased(
        _ operation: AnyOperation, _ arguments: JSONObject, _ context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        let resumes = operation.declaration.severalConnections != nil && arguments["resume"]?.string != nil
        guard resumes || operation.declaration.name == "output", !context.isForwarded else {
            return try await local.call(operation, arguments, in: context)
        }
        do throws(MMError) {
            return try await local.call(operation, arguments, in: context)
        } catch {
            guard error.code == .notFound else { throw error }
            if operation.declaration.name == "output",
                let answer = try await work.answer(operation, arguments, in: context, unknown: error)
            {
                return answer
            }
            var sent = context
            sent.isForwarded = true
            var silent: [String] = []
            for node in await others() {
                guard node.isAlive else {
                    silent.append(node.address)
                    continue
                }
                do throws(MMError) {
                    return try await node.service.call(operation, arguments, in: sent)
                } catch {
                    guard error.code == .notFound || error.isOfLeavingPool else { throw error }
                }
            }
            guard !silent.isEmpty else { throw error }
            var told = error
            told.message += " It may have gone with the node at \(silent.joined(separator: ", ")), which is silent."
            throw told
        }
    }

    private func others() async -> [(address: String, isAlive: Bool, service: RemoteOperationService)] {
        let nodes = (try? await member.directory.all()) ?? []
        return nodes.filter { $0.id != member.id }.compactMap { node in
            guard let service = try? member.node(at: node.address, catalogue: catalogue) else { return nil }
            return (node.address, node.isAlive, service)
        }
    }
}
