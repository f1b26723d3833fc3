import MMCore

/// Which traces are recorded (`OTEL_TRACES_SAMPLER`).
struct TraceSampler: Sendable, Hashable {
    /// Whether the decision of who calls counts.
    let followsParent: Bool
    /// The share of the traces that begin here.
    let ratio: Double

    static let standard = TraceSampler(followsParent: true, ratio: 1)

    /// Reads the two variables of the specification.
    /// - Throws: `invalidInput` with the known names.
    init(name: String?, argument: String?) throws(MMError) {
        let name = name ?? "parentbased_always_on"
        followsParent = name.hasPrefix("parentbased_")
        switch followsParent ? String(name.dropFirst("parentbased_".count)) : name {
        case "always_on": ratio = 1
        case "always_off": ratio = 0
        case "traceidratio":
            guard let share = Double(argument ?? "1"), (0...1).contains(share) else {
                throw MMError(
                    .invalidInput, "OTEL_TRACES_SAMPLER_ARG can't be `\((argument ?? "").prefix(40))`.",
                    hint: "Give a number from 0 to 1.")
            }
            ratio = share
        default:
            throw MMError(
                .invalidInput, "OTEL_TRACES_SAMPLER can't be `\(name.prefix(40))`.",
                hint: "Give always_on, always_off, traceidratio, or one of them after parentbased_.")
        }
    }

    private init(followsParent: Bool, ratio: Double) { (self.followsParent, self.ratio) = (followsParent, ratio) }

    /// Whether a trace is recorded. The decision depends on the trace's id alone, so that all programs decide alike.
    func records(_ trace: String, under parent: TraceContext?) -> Bool {
        if followsParent, let parent { return parent.isSampled }
        // The right 56 bits are random by specification.
        guard let number = UInt64(trace.suffix(14), radix: 16) else { return false }
        return number < UInt64(ratio * Double(UInt64(1) << 56))
    }
}
