/// Waits until a condition holds. Tests wait for conditions, never for time.
/// - Parameters:
///   - limit: when to give up: far longer than a busy machine needs, yet short enough for the failure to name its test.
///   - condition: the condition, checked every few milliseconds.
/// - Returns: whether the condition came to hold.
package func eventually(within limit: Duration = .seconds(120), _ condition: () async throws -> Bool) async rethrows
    -> Bool
{
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return true }
        do { try await Task.sleep(for: .milliseconds(5)) } catch { break }
    }
    return try await condition()
}
