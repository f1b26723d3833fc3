import MMSystem

/// What a `$` in the replacement of `-replace` stands for, by .NET's rules (about_Regular_Expressions, "Substitutions
/// in regular expressions"). A `$` that names no group of the pattern stands for itself.
struct Substitution {
    private enum Meaning {
        case sign, whole, before, after, text, last
        /// The group at a place of the pattern.
        case group(Int)
    }

    private let meaning: Meaning
    private let order: [Int]
    /// The number of units after the `$` that belong to it.
    let length: Int

    /// Reads what follows a `$`; `nil` if the `$` stands for itself.
    init?(_ rest: ArraySlice<UInt8>, in pattern: Pattern) {
        guard let sign = rest.first else { return nil }
        order = pattern.order
        let signs: [UInt8: Meaning] = [
            UInt8(ascii: "$"): .sign, UInt8(ascii: "&"): .whole, UInt8(ascii: "`"): .before, UInt8(ascii: "'"): .after,
            UInt8(ascii: "_"): .text, UInt8(ascii: "+"): .last,
        ]
        if let meaning = signs[sign] {
            (self.meaning, length) = (meaning, 1)
            return
        }
        let isBraced = sign == UInt8(ascii: "{")
        let inner = isBraced ? rest.dropFirst() : rest
        let name = inner.prefix { unit in
            isBraced ? unit != UInt8(ascii: "}") : (0x30...0x39).contains(unit)
        }
        guard !isBraced || name.endIndex < inner.endIndex,
            let meaning = Self.meaning(String(decoding: name, as: UTF8.self), in: pattern)
        else { return nil }
        (self.meaning, length) = (meaning, name.count + (isBraced ? 2 : 0))
    }

    private static func meaning(_ name: String, in pattern: Pattern) -> Meaning? {
        if let named = pattern.names.first(where: { $0.name == name }) { return .group(named.number) }
        guard name.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(name) else { return nil }
        guard number > 0 else { return .whole }
        return pattern.order.indices.contains(number - 1) ? .group(pattern.order[number - 1]) : nil
    }

    /// Returns the units that it puts in place of itself for a match.
    func units(_ match: RegularExpression.Match, in units: [UInt8]) throws(Interrupt) -> ArraySlice<UInt8> {
        switch meaning {
        case .sign: return [UInt8(ascii: "$")]
        case .whole: return units[match.range]
        case .before: return units[..<match.range.lowerBound]
        case .after: return units[match.range.upperBound...]
        case .text: return units[...]
        case .group(let place): return match.groups[place].map { units[$0] } ?? []
        case .last:
            guard let place = order.last else { return units[match.range] }
            return match.groups[place].map { units[$0] } ?? []
        }
    }
}
