/// Runs a pattern over a text, with a bound on the work for all its matches together.
struct PatternMatcher {
    typealias Next = (inout PatternMatcher, Int) throws(Interrupt) -> Int?

    let text: [UInt8]
    var groups: [Range<Int>?]
    private let evaluator: Evaluator
    private let most: Int
    private var work = 0
    private var nextLook = 4096
    private var depth = 0

    init(text: [UInt8], groupCount: Int, evaluator: Evaluator) {
        self.text = text
        self.evaluator = evaluator
        groups = Array(repeating: nil, count: groupCount)
        most = evaluator.limits.patternSteps + 64 * text.count
    }

    /// Groups of a try that came to nothing don't count for the next.
    mutating func forgetGroups() { for group in groups.indices { groups[group] = nil } }

    mutating func run(_ node: Pattern.Node, at place: Int, then next: Next) throws(Interrupt) -> Int? {
        depth += 1
        defer { depth -= 1 }
        guard depth < evaluator.limits.patternDepth else { throw .handOver("a costly pattern") }
        try spend(1)
        switch node {
        case .set(let set):
            return place < text.count && set[Int(text[place])] ? try next(&self, place + 1) : nil
        case .start: return place == 0 ? try next(&self, place) : nil
        case .textEnd: return place == text.count ? try next(&self, place) : nil
        case .end:
            let isEnd = place == text.count || place == text.count - 1 && text[place] == 10
            return isEnd ? try next(&self, place) : nil
        case .wordEdge(let wanted):
            let isEdge = isWord(place - 1) != isWord(place)
            return isEdge == wanted ? try next(&self, place) : nil
        case .sequence(let items): return try sequence(items[...], at: place, then: next)
        case .choice(let branches):
            for branch in branches {
                if let end = try run(branch, at: place, then: next) { return end }
            }
            return nil
        case .group(let inner, let number):
            guard let number else { return try run(inner, at: place, then: next) }
            let before = groups[number]
            let end = try run(inner, at: place) { (matcher, stop) throws(Interrupt) in
                let inside = matcher.groups[number]
                matcher.groups[number] = place..<stop
                if let end = try next(&matcher, stop) { return end }
                matcher.groups[number] = inside
                return nil
            }
            if end == nil { groups[number] = before }
            return end
        case .repetition(let inner, let low, let high, let isLazy):
            if case .set(let set) = inner { return try plain(set, low, high, isLazy, at: place, then: next) }
            return try repeated(inner, low, high, isLazy, count: 0, at: place, then: next)
        }
    }

    /// Counts work, and sees between two pieces of it whether the script may still run.
    private mutating func spend(_ steps: Int) throws(Interrupt) {
        work += steps
        guard work < most else { throw .handOver("a costly pattern") }
        guard work >= nextLook else { return }
        nextLook = work + 4096
        try evaluator.look()
    }

    private func isWord(_ place: Int) -> Bool {
        guard place >= 0, place < text.count else { return false }
        let unit = text[place]
        return (0x30...0x39).contains(unit) || (0x61...0x7A).contains(unit | 0x20) || unit == UInt8(ascii: "_")
    }

    private mutating func sequence(
        _ items: ArraySlice<Pattern.Node>, at place: Int, then next: Next
    ) throws(Interrupt) -> Int? {
        guard let first = items.first else { return try next(&self, place) }
        let rest = items.dropFirst()
        if rest.isEmpty { return try run(first, at: place, then: next) }
        return try run(first, at: place) { (matcher, stop) throws(Interrupt) in
            try matcher.sequence(rest, at: stop, then: next)
        }
    }

    private mutating func plain(
        _ set: [Bool], _ low: Int, _ high: Int, _ isLazy: Bool, at place: Int, then next: Next
    ) throws(Interrupt) -> Int? {
        var count = isLazy ? low : 0
        if isLazy {
            // What a lazy one must take.
            for offset in 0..<low where place + offset >= text.count || !set[Int(text[place + offset])] { return nil }
        } else {
            while count < high, place + count < text.count, set[Int(text[place + count])] { count += 1 }
            // A long run is work as well: looked at again from each of its places it would be quadratic.
            try spend(count / 8)
        }
        while isLazy || count >= low {
            if let end = try next(&self, place + count) { return end }
            if isLazy {
                guard count < high, place + count < text.count, set[Int(text[place + count])] else { return nil }
                count += 1
            } else {
                count -= 1
            }
            try spend(1)
        }
        return nil
    }

    private mutating func repeated(
        _ node: Pattern.Node, _ low: Int, _ high: Int, _ isLazy: Bool, count: Int, at place: Int, then next: Next
    ) throws(Interrupt) -> Int? {
        if isLazy, count >= low, let end = try next(&self, place) { return end }
        if count < high {
            let end = try run(node, at: place) { (matcher, stop) throws(Interrupt) in
                // A round that takes nothing would go on for ever.
                if stop == place, count >= low { return nil }
                return try matcher.repeated(node, low, high, isLazy, count: count + 1, at: stop, then: next)
            }
            if let end { return end }
        }
        return !isLazy && count >= low ? try next(&self, place) : nil
    }
}
