/// How far work has come, how fast it goes and how long it still takes, in words:
/// "12,400 of 100,000, 2,100/s, 42 s left".
struct WorkPace: Sendable {
    /// What is counted.
    enum Unit: Sendable {
        case items, bytes
    }

    private let unit: Unit
    /// What was done when the first report came, and when that was.
    private var first: (done: Int, moment: ContinuousClock.Instant)?
    /// A rate over less time says nothing.
    private static let shortest = Duration.milliseconds(500)

    /// The pace of work that has not begun.
    init(counting unit: Unit) { self.unit = unit }

    /// The words for a report.
    /// - Parameters:
    ///   - done: what is done.
    ///   - total: the whole, where it is known.
    ///   - moment: when.
    mutating func text(done: Int, total: Int?, at moment: ContinuousClock.Instant = .now) -> String {
        guard let first else {
            first = (done, moment)
            return amount(done, total)
        }
        let time = moment - first.moment
        guard time >= Self.shortest, done > first.done else { return amount(done, total) }
        let rate = Double(done - first.done) / (time / .seconds(1))
        var text = amount(done, total) + ", \(shown(Int(rate.rounded())))/s"
        if let total, total > done, rate > 0 { text += ", \(Self.time(Double(total - done) / rate)) left" }
        return text
    }

    private func amount(_ done: Int, _ total: Int?) -> String {
        // A total that was passed is none: things were added meanwhile.
        if let total, total >= done { return "\(shown(done)) of \(shown(total))" }
        return shown(done) + (unit == .items ? " items" : "")
    }

    private func shown(_ count: Int) -> String {
        unit == .bytes ? SizeText.text(count) : Self.grouped(count)
    }

    /// A number with a comma between groups of three digits.
    private static func grouped(_ number: Int) -> String {
        var text = ""
        for (place, digit) in String(number).reversed().enumerated() {
            if place > 0, place % 3 == 0, digit != "-" { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }

    /// A time that is left: "42 s", "3 min 20 s", "2 h 5 min".
    private static func time(_ seconds: Double) -> String {
        let whole = Int(min(seconds.rounded(.up), 1e9))
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min" + (whole % 60 > 0 ? " \(whole % 60) s" : "") }
        let minutes = whole / 60
        return "\(minutes / 60) h" + (minutes % 60 > 0 ? " \(minutes % 60) min" : "")
    }
}
