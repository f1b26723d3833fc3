/// Waits until something holds; tests wait for conditions, never for a time.
/// - Parameters:
///   - limit: when to give up: far longer than a busy machine takes, and short enough to be told which test it was.
///   - condition: what is waited for, looked at every few milliseconds.
/// - Returns: whether it held in the end.
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
