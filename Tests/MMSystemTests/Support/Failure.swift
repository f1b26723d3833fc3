import MMCore

/// The error that a call ends with, or nil.
func failure<T>(_ body: () async throws(MMError) -> T) async -> MMError? {
    do throws(MMError) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}
