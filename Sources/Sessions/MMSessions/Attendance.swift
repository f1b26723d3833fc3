package import MMCore

/// Whether a person is present while a session is opened. A pool that restores its sessions after a restart must not
/// ask anyone to sign in; the next call does.
package enum Attendance {
    @TaskLocal package static var isUnattended = false

    /// Runs work whose session openings must not prompt a person.
    package static func unattended<Value: Sendable>(
        _ work: nonisolated(nonsending) () async throws(MMError) -> Value
    ) async throws(MMError) -> Value {
        let result = await $isUnattended.withValue(true) {
            await Result { () async throws(MMError) in try await work() }
        }
        return try result.get()
    }
}
