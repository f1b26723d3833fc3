import MMCore
import MMOperations
import MMSessions

/// The jobs of a cluster's other nodes, as the operations `jobs` and `output` tell of them, which ask each node.
struct OtherNodesJobs: Sendable {
    let service: any OperationService
    /// Those of this process.
    let table: WorkTable
    let handshake: @Sendable () async -> PoolHandshake

    /// All that a caller may see; none where this process is no node.
    func all(for reader: CallContext) async throws(MMError) -> [JSONObject] {
        guard await handshake().isNode else { return [] }
        let answer = try await service.call(try service.catalogue.require("jobs"), [:], in: reader)
        guard case .value(let value) = answer.body else { return [] }
        return (value["jobs"]?.array ?? []).compactMap { row in
            guard let handle = row["job"]?.string, (try? table.work(handle, for: nil)) == nil else { return nil }
            return Self.object(row, handle)
        }
    }

    /// One of them; `nil` where there is none of this name.
    func job(_ handle: String, for reader: CallContext) async throws(MMError) -> JSONObject? {
        guard WorkHandle.isValid(handle) else { return nil }
        return try await all(for: reader).first { $0["job"]?.string == handle }
    }

    /// The answer of one; while it runs, where it is.
    func answer(of handle: String, for reader: CallContext) async throws(MMError) -> OperationAnswer? {
        guard try await job(handle, for: reader) != nil else { return nil }
        return try await service.call(
            try service.catalogue.require("output"), ["handle": .string(handle)], in: reader)
    }

    /// Ends one.
    /// - Returns: what it is then.
    func cancel(_ handle: String, for reader: CallContext) async throws(MMError) -> JSONObject? {
        guard let found = try await job(handle, for: reader) else { return nil }
        guard found["state"]?.string == JobReport.State.running.rawValue else { return found }
        _ = try await service.call(
            try service.catalogue.require("output"), ["handle": .string(handle), "action": "cancel"], in: reader)
        return try await job(handle, for: reader) ?? found
    }

    /// The public description of a job, as `JobCalls` has it, and where it runs.
    private static func object(_ row: JSONValue, _ handle: String) -> JSONObject {
        var object: JSONObject = ["job": .string(handle)]
        for name in ["operation", "state", "started", "seconds"] { object[name] = row[name] }
        object["location"] = .string("/v1/jobs/\(handle)")
        object["progress"] = row["progress"].map { ["message": $0] }
        object["node"] = row["node"]
        return object
    }
}
