/// How often a host is asked whether a command waits for input: at once when something was written, then more and more
/// seldom.
struct AskingPace: Sendable {
    private var written = -1
    private var pause: Duration = .milliseconds(200)
    private var next = ContinuousClock.now
    /// What was found last.
    private(set) var last: ShellPrompt?

    private static let longest: Duration = .seconds(10)

    /// Whether to ask now.
    mutating func isDue(_ written: Int, now: ContinuousClock.Instant = .now) -> Bool {
        if written != self.written {
            self.written = written
            begin(now)
        }
        guard now >= next else { return false }
        next = now + pause
        pause = min(pause * 2, Self.longest)
        return true
    }

    /// Notes what was found.
    mutating func found(_ prompt: ShellPrompt?) { last = prompt }

    /// Something was typed: what was found does not count any more.
    mutating func wasAnswered() { begin(.now) }

    private mutating func begin(_ now: ContinuousClock.Instant) {
        last = nil
        pause = .milliseconds(200)
        next = now
    }
}
