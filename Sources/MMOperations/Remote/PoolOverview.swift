package import MMCore

/// What lives in this process, for those who watch it: nothing here is logged, audited or counted.
package enum PoolOverview {
    /// Beyond so many connections only those are shown that have a session.
    private static let most = 200

    /// The rows of `status`: sessions and sign-ins, with codes that wait.
    /// - Parameters:
    ///   - services: of this process.
    ///   - server: the name that `mcps` lists are compared with; `nil` for the owner.
    package static func sessions(_ services: OperationServices, for server: String?) async -> [JSONObject] {
        let context = OperationContext(
            call: CallContext(caller: Caller(surface: .library, name: "dashboard", server: server)),
            services: services, deadline: .after(.seconds(30)), record: CallRecord())
        guard let snapshot = try? services.registry.snapshot(), snapshot.connections.count <= most else {
            return await Sessions.rows(in: context)
        }
        let fields = Status.Input.fields
        guard let reader = try? InputReader(operation: "status", arguments: [:], fields: fields),
            let answer = try? await Status().run(Status.Input(from: reader), in: context),
            case .value(let value) = answer.body
        else { return [] }
        return (value["sessions"]?.array ?? []).compactMap(\.object)
    }
}
