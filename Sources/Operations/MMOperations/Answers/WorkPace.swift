/// The progress, the speed and the remaining time of work, as text: "12,400 of 100,000, 2,100/s, 42 s left".
struct WorkPace: Sendable {
    /// The unit of progress.
    enum Unit: Sendable {
        case items, bytes
    }

    private let unit: Unit
    /// The amount done at the first report, and the time of that report.
    private var first: (done: Int, moment: ContinuousClock.Instant)?
    /// The minimum time over which a rate is meaningful.
    private static let shortest = Duration.milliseconds(500)

    /// Creates the pace of work that has not begun.
    init(counting unit: Unit) { self.unit = unit }

    /// Returns the text for a report.
    /// - Parameters:
    ///   - done: the amount done.
    ///   - total: the total, if it is known.
    ///   - moment: the time of the report.
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
        // A total that has been exceeded is wrong, because items were added meanwhile, and is left out.
        if let total, total >= done { return "\(shown(done)) of \(shown(total))" }
        return shown(done) + (unit == .items ? " items" : "")
    }

    private func shown(_ count: Int) -> String {
        unit == .bytes ? SizeText.text(count) : Self.grouped(count)
    }

    /// Returns a number with commas between groups of three digits.
    private static func grouped(_ number: Int) -> String {
        var text = ""
        for (place, digit) in String(number).reversed().enumerated() {
            if place > 0, place % 3 == 0, digit != "-" { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }

    /// Returns the remaining time: "42 s", "3 min 20 s", "2 h 5 min".
    private static func time(_ seconds: Double) -> String {
        let whole = Int(min(seconds.rounded(.up), 1e9))
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min" + (whole % 60 > 0 ? " \(whole % 60) s" : "") }
        let minutes = whole / 60
        return "\(minutes / 60) h" + (minutes % 60 > 0 ? " \(minutes % 60) min" : "")
    }
}
