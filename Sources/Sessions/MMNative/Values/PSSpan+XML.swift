/// The text of a time span in XML.
extension PSSpan {
    /// Returns a span as XML writes it: `P1DT2H3M4.5S`.
    static func duration(_ ticks: Int64) -> String {
        let rest = ticks.magnitude
        func part(_ unit: Int64, _ base: UInt64, _ letter: String) -> String {
            let number = rest / UInt64(unit) % base
            return number > 0 ? "\(number)\(letter)" : ""
        }
        let days = part(day, .max, "D")
        var clock = part(hour, 24, "H") + part(minute, 60, "M")
        let (whole, fraction) = (rest / UInt64(second) % 60, rest % UInt64(second))
        if fraction > 0 {
            var digits = PSDate.padded(Int(fraction), 7)
            while digits.hasSuffix("0") { digits.removeLast() }
            clock += "\(whole).\(digits)S"
        } else if whole > 0 || days.isEmpty && clock.isEmpty {
            clock += "\(whole)S"
        }
        return (ticks < 0 ? "-P" : "P") + days + (clock.isEmpty ? "" : "T" + clock)
    }

    /// Reads such a text, also one with years and months; `nil` for any other. Twelve months have 365 days, fewer have
    /// 30 each.
    static func ticks(ofDuration text: String) throws(Interrupt) -> Int64? {
        let sign: Int64 = text.hasPrefix("-") ? -1 : 1
        guard text.hasPrefix(sign < 0 ? "-P" : "P") else { return nil }
        let halves = text.dropFirst(sign < 0 ? 2 : 1).split(separator: "T", omittingEmptySubsequences: false)
        guard halves.count <= 2, halves.last?.isEmpty == false else { return nil }
        var numbers: [Int64] = []
        var fraction: Int64 = 0
        for (half, letters) in zip(halves + (halves.count == 1 ? [""] : []), ["YMD", "HMS"]) {
            var rest = half
            for letter in letters {
                let digits = rest.prefix { $0.isNumber || $0 == "." }
                guard rest.dropFirst(digits.count).first == letter else {
                    numbers.append(0)
                    continue
                }
                rest = rest.dropFirst(digits.count + 1)
                let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
                guard parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
                    parts.count == 1 || parts.count == 2 && letter == "S"
                else { return nil }
                guard let number = Int32(parts[0]) else { throw .handOver("a time span out of range") }
                numbers.append(Int64(number))
                if parts.count == 2 { fraction = Int64((parts[1] + "000000").prefix(7)) ?? 0 }
            }
            guard rest.isEmpty else { return nil }
        }
        let days = (numbers[0] + numbers[1] / 12) * 365 + numbers[1] % 12 * 30 + numbers[2]
        let units = [(days, day), (numbers[3], hour), (numbers[4], minute), (numbers[5], second), (fraction, 1)]
        return try sum(units.map { (sign * $0.0, $0.1) })
    }
}
