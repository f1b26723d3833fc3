/// Who the people are: index to name and back, no two with the same address.
struct People: Sendable {
    /// One person.
    struct Person: Sendable {
        let culture: UInt8
        let given: UInt8
        let family: UInt8
        /// 0 for the first person of a name, 1 for the second…
        let round: Int32
    }

    let offset: Int

    /// How many different names there are.
    static let combinations = Culture.all.reduce(0) { $0 + $1.combinations }
    /// Spreads neighbours over the cultures; has no divisor in common with the number of names.
    private static let step: Int = {
        var step = combinations * 382 / 1000
        while greatestDivisor(step, combinations) != 1 { step += 1 }
        return step
    }()
    private static let stepBack: Int = (1..<combinations).first { step * $0 % combinations == 1 } ?? 1
    private static let starts: [Int] = {
        var starts: [Int] = []
        var next = 0
        for culture in Culture.all {
            starts.append(next)
            next += culture.combinations
        }
        return starts
    }()
    private static let addresses: [String: Int] = {
        var addresses: [String: Int] = [:]
        addresses.reserveCapacity(combinations)
        for (culture, start) in zip(Culture.all, starts) {
            for (givenPlace, given) in culture.given.enumerated() {
                for (familyPlace, family) in culture.family.enumerated() {
                    addresses["\(given.address).\(family.address)"] =
                        start + givenPlace * culture.family.count + familyPlace
                }
            }
        }
        return addresses
    }()

    func person(_ index: Int) -> Person {
        let combination = (index % Self.combinations * Self.step + offset) % Self.combinations
        var culture = Self.starts.count - 1
        while Self.starts[culture] > combination { culture -= 1 }
        let place = combination - Self.starts[culture]
        let families = Culture.all[culture].family.count
        // No culture has more than 255 names of a kind, and rounds count users.
        return Person(
            culture: UInt8(truncatingIfNeeded: culture), given: UInt8(truncatingIfNeeded: place / families),
            family: UInt8(truncatingIfNeeded: place % families),
            round: Int32(truncatingIfNeeded: index / Self.combinations))
    }

    /// The index of the person with an address such as `lena.vogt` or `lena.vogt2`.
    func index(ofAddress address: some StringProtocol) -> Int? {
        let digits = address.reversed().prefix { $0.isASCII && $0.isNumber }
        let name = address.dropLast(digits.count)
        var round = 0
        if !digits.isEmpty {
            guard let number = Int(String(digits.reversed())), number >= 2, number < 1 << 24 else { return nil }
            round = number - 1
        }
        guard let combination = Self.addresses[String(name)] else { return nil }
        let shifted = (combination - offset + Self.combinations) % Self.combinations
        return round * Self.combinations + shifted * Self.stepBack % Self.combinations
    }

    private static func greatestDivisor(_ left: Int, _ right: Int) -> Int {
        right == 0 ? left : greatestDivisor(right, left % right)
    }
}
