import Glibc

/// A System.Diagnostics.Stopwatch, with which scripts measure how long they took: an object that is evaluated whenever
/// it is read.
enum PSStopwatch {
    private static let typeName = "System.Diagnostics.Stopwatch"
    /// The start of the current run in ticks of the machine's clock, or null, and the time counted before it. Scripts
    /// can't write these names.
    private static let (began, counted) = (" began", " counted")

    /// Returns a stopwatch at zero.
    static func made(isRunning: Bool) -> PSValue {
        let state = [(began, isRunning ? PSValue.long(now) : .null), (counted, .long(0))]
        return PSObject(state, typeName: typeName, isCustom: false).map { .object($0) } ?? .null
    }

    /// Returns a property of a stopwatch; `nil` for other objects and names.
    static func property(_ object: PSObject, _ name: String) -> PSValue? {
        guard object.typeName == typeName else { return nil }
        return switch name.lowercased() {
        case "isrunning": .bool(start(of: object) != nil)
        case "elapsed": .span(elapsed(object))
        case "elapsedmilliseconds": .long(elapsed(object) / 10_000)
        default: nil
        }
    }

    /// Calls a method of a stopwatch; `nil` for other objects and names.
    static func call(_ object: PSObject, _ method: String, _ arguments: [PSValue]) -> PSValue? {
        guard object.typeName == typeName, arguments.isEmpty else { return nil }
        switch method {
        case "start": if start(of: object) == nil { set(object, since: now, before: elapsed(object)) }
        case "stop": set(object, since: nil, before: elapsed(object))
        case "restart": set(object, since: now, before: 0)
        case "reset": set(object, since: nil, before: 0)
        default: return nil
        }
        return .nothing
    }

    private static func set(_ object: PSObject, since start: Int64?, before ticks: Int64) {
        _ = object.set(began, start.map { .long($0) } ?? .null)
        _ = object.set(counted, .long(ticks))
    }

    private static func start(of object: PSObject) -> Int64? {
        if case .long(let ticks)? = object[began] { ticks } else { nil }
    }

    private static func elapsed(_ object: PSObject) -> Int64 {
        guard case .long(let before)? = object[counted] else { return 0 }
        return before + (start(of: object).map { now - $0 } ?? 0)
    }

    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * PSSpan.second + Int64(time.tv_nsec) / 100
    }
}
