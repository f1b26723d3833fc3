/// Converts the lenient JSON that PowerShell accepts to strict JSON: comments, trailing commas, single quotes.
enum LenientJSON {
    /// Returns the same value as strict JSON; `nil` for text that isn't even lenient JSON.
    static func strict(_ text: String) -> String? {
        let units = Array(text.utf8)
        var result: [UInt8] = []
        var place = 0
        /// The position of a comma that only white space and comments have followed.
        var comma: Int?
        while place < units.count {
            let unit = units[place]
            let next = place + 1 < units.count ? units[place + 1] : 0
            switch unit {
            case UInt8(ascii: "/") where next == UInt8(ascii: "/"):
                while place < units.count, units[place] != 10, units[place] != 13 { place += 1 }
                continue
            case UInt8(ascii: "/") where next == UInt8(ascii: "*"):
                var end = place + 2
                while end + 1 < units.count, units[end] != UInt8(ascii: "*") || units[end + 1] != UInt8(ascii: "/") {
                    end += 1
                }
                guard end + 1 < units.count else { return nil }
                place = end + 2
                continue
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                comma = nil
                guard let end = string(units, place, into: &result) else { return nil }
                place = end
                continue
            case UInt8(ascii: ","):
                // Two commas in a row mean a missing element, which is a different matter.
                guard comma == nil, let last = result.last(where: { !isBlank($0) }), !"[{,:".utf8.contains(last) else {
                    return nil
                }
                comma = result.count
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if let comma { result[comma] = UInt8(ascii: " ") }
                comma = nil
            case let unit where isBlank(unit): break
            default: comma = nil
            }
            result.append(unit)
            place += 1
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isBlank(_ unit: UInt8) -> Bool { unit == 0x20 || (9...13).contains(unit) }

    private static func string(_ units: [UInt8], _ start: Int, into result: inout [UInt8]) -> Int? {
        let quote = units[start]
        result.append(UInt8(ascii: "\""))
        var place = start + 1
        while place < units.count {
            let unit = units[place]
            if unit == quote {
                result.append(UInt8(ascii: "\""))
                return place + 1
            }
            if unit == UInt8(ascii: "\\") {
                guard place + 1 < units.count, units[place + 1] != UInt8(ascii: "'") else { return nil }
                result += units[place...(place + 1)]
                place += 2
                continue
            }
            if unit == UInt8(ascii: "\"") { result.append(UInt8(ascii: "\\")) }
            result.append(unit)
            place += 1
        }
        return nil
    }
}
