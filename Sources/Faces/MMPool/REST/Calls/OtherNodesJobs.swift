import MMCore
import MMOperations
import MMSessions

/// The jobs of other processes, such as a cluster's other nodes, obtained through the operations that list and read
/// jobs, which ask each of them.
struct OtherNodesJobs: Sendable {
    let service: any OperationService
    /// The jobs of this process.
    let table: WorkTable
    /// Whether there are other processes.
    let areThere: @Sendable () async -> Bool

    /// Returns all jobs of other processes that a caller may see.
    func all(for reader: CallContext) async throws(MMError) -> [JobRow] {
        guard await areThere() else { return [] }
        return try await service.jobs(in: reader).filter { (try? table.work($0.handle, for: nil)) == nil }
    }

    /// Returns one job; `nil` if no other node has it.
    func job(_ handle: String, for reader: CallContext) async throws(MMError) -> JobRow? {
        guard WorkHandle.isValid(handle) else { return nil }
        return try await all(for: reader).first { $0.handle == handle }
    }

    /// Returns the answer of a job; while the job runs, its state.
    func answer(of handle: String, for reader: CallContext) async throws(MMError) -> OperationAnswer? {
        guard try await job(handle, for: reader) != nil else { return nil }
        return try await service.output(of: handle, in: reader)
    }

    /// Cancels a job.
    /// - Returns: the job afterwards.
    func cancel(_ handle: String, for reader: CallContext) async throws(MMError) -> JobRow? {
        guard let found = try await job(handle, for: reader) else { return nil }
        guard found.state == .running else { return found }
        _ = try await service.output(of: handle, .cancel, in: reader)
        return try await job(handle, for: reader) ?? found
    }
}
