package import MMCore

/// Whether anybody is there for a session that is being opened. A pool that brings its sessions back after a restart asks no
/// person for anything: the next call does.
package enum Attendance {
    @TaskLocal package static var isUnattended = false

    /// Opens what work opens with nobody there.
    package static func unattended<Value: Sendable>(
        _ work: nonisolated(nonsending) () async throws(MMError) -> Value
    ) async throws(MMError) -> Value {
        let result = await $isUnattended.withValue(true) {
            await Result { () async throws(MMError) in try await work() }
        }
        return try result.get()
    }
}
