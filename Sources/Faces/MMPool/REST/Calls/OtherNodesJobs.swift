import MMCore
import MMOperations
import MMSessions

/// The jobs of other processes, such as a cluster's other nodes, obtained through the operations `jobs` and `output`,
/// which ask each of them.
struct OtherNodesJobs: Sendable {
    let service: any OperationService
    /// The jobs of this process.
    let table: WorkTable
    /// Whether there are other processes.
    let areThere: @Sendable () async -> Bool

    /// Returns all jobs of other processes that a caller may see.
    func all(for reader: CallContext) async throws(MMError) -> [JSONObject] {
        guard await areThere() else { return [] }
        let answer = try await service.call(try service.catalogue.require("jobs"), [:], in: reader)
        guard case .value(let value) = answer.body else { return [] }
        return (value["jobs"]?.array ?? []).compactMap { row in
            guard let handle = row["job"]?.string, (try? table.work(handle, for: nil)) == nil else { return nil }
            return Self.object(row, handle)
        }
    }

    /// Returns one job; `nil` if no other node has it.
    func job(_ handle: String, for reader: CallContext) async throws(MMError) -> JSONObject? {
        guard WorkHandle.isValid(handle) else { return nil }
        return try await all(for: reader).first { $0["job"]?.string == handle }
    }

    /// Returns the answer of a job; while the job runs, its state.
    func answer(of handle: String, for reader: CallContext) async throws(MMError) -> OperationAnswer? {
        guard try await job(handle, for: reader) != nil else { return nil }
        return try await service.call(
            try service.catalogue.require("output"), ["handle": .string(handle)], in: reader)
    }

    /// Cancels a job.
    /// - Returns: the job afterwards.
    func cancel(_ handle: String, for reader: CallContext) async throws(MMError) -> JSONObject? {
        guard let found = try await job(handle, for: reader) else { return nil }
        guard found["state"]?.string == JobReport.State.running.rawValue else { return found }
        _ = try await service.call(
            try service.catalogue.require("output"), ["handle": .string(handle), "action": "cancel"], in: reader)
        return try await job(handle, for: reader) ?? found
    }

    /// Returns the public description of a job, as `JobCalls` does, and the node that runs it.
    private static func object(_ row: JSONValue, _ handle: String) -> JSONObject {
        var object: JSONObject = ["job": .string(handle)]
        for name in ["operation", "state", "started", "seconds"] { object[name] = row[name] }
        object["location"] = .string("/v1/jobs/\(handle)")
        object["progress"] = row["progress"].map { ["message": $0] }
        object["node"] = row["node"]
        return object
    }
}
