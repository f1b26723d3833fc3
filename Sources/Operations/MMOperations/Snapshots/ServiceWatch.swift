import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// The findings of the service's own configuration management (Microsoft Graph, `/admin/configurationManagement`): the
/// extent of its monitors, and the deviations from their baselines. It is only read; monitors and baselines are never
/// created or changed.
struct ServiceWatch: Sendable {
    /// The number of monitors.
    let monitors: Int
    /// The number of resources in their baselines.
    let resources: Int
    /// The present deviations.
    var drifts: [SnapshotFinding]

    private static let root = "/admin/configurationManagement"
    // The service returns these properties only if they are requested with `$select`.
    private static let drifted =
        "\(root)/configurationDrifts?$select=id,monitorId,resourceType,baselineResourceDisplayName,status,"
        + "resourceInstanceIdentifier,driftedProperties"
    private static let watched = "\(root)/configurationMonitors?$select=id,displayName,status"

    /// Reads the service's findings.
    /// - Returns: `nil` where the tenant has no monitors, the connection may not read them, or the cloud doesn't have
    ///   them, so that a comparison never fails because of them.
    static func reading(
        of connection: Connection, in context: OperationContext, with services: RequestServices
    ) async -> ServiceWatch? {
        guard let reader = try? Reader(connection, context, services) else { return nil }
        return try? await reader.watch()
    }

    private struct Reader {
        let client: GuardedClient
        let engine: GuardEngine
        let policy: GuardPolicy
        let deadline: Deadline

        init(
            _ connection: Connection, _ context: OperationContext, _ services: RequestServices
        ) throws(MMError) {
            client = try GuardedClient(identity: services.identity, connection: connection)
            engine = try services.guarding.guards.engine()
            policy = services.guarding.policy(of: connection, in: context)
            deadline = min(context.deadline, .after(.seconds(60)))
        }

        func watch() async throws(MMError) -> ServiceWatch? {
            let lists = try await answers(to: [ServiceWatch.watched, ServiceWatch.drifted])
            guard let monitors = lists[0], let drifts = lists[1], !monitors.isEmpty else { return nil }
            let baselines = monitors.compactMap { $0["id"]?.string }.map { id in
                "\(ServiceWatch.root)/configurationMonitors/"
                    + PercentCoding.encode(id, isPlain: PercentCoding.isSegmentByte) + "/baseline"
            }
            let resources = try await answers(to: baselines).reduce(0) { count, rows in
                count + (rows?.first?["resources"]?.array?.count ?? 0)
            }
            return ServiceWatch(
                monitors: monitors.count, resources: resources,
                drifts: drifts.compactMap(SnapshotFinding.init(serviceDrift:)).sorted {
                    ($0.kind.name, $0.name, $0.id) < ($1.kind.name, $1.name, $1.id)
                })
        }

        /// Returns the items at some paths, with all pages; `nil` for those that are refused.
        private func answers(to paths: [String]) async throws(MMError) -> [[JSONValue]?] {
            var parts: [BatchPart] = []
            for path in paths {
                let request = try GraphRequest(target: try client.target(path))
                guard engine.judge(request.guarded, policy: policy).decision == .allow else {
                    throw MMError(.denied, "the guard does not allow it")
                }
                parts.append(BatchPart(id: String(parts.count), request: request))
            }
            var lists: [[JSONValue]?] = []
            for (part, answer) in zip(parts, try await client.readBatch(parts, deadline: deadline)) {
                lists.append(answer.status < 300 ? try await items(of: answer.body, part.request) : nil)
            }
            return lists
        }

        private func items(of body: JSONValue, _ request: GraphRequest) async throws(MMError) -> [JSONValue] {
            guard let items = body["value"]?.array else { return [body] }
            return items + (try await client.readRest(of: request, after: body, deadline: deadline))
        }
    }
}
