/// How a character looks on a screen: its colours and attributes (ECMA-48, Select Graphic Rendition).
struct ScreenStyle: Sendable, Hashable {
    /// A colour.
    enum Color: Sendable, Hashable {
        /// The terminal's own.
        case usual
        /// One of the terminal's 256.
        case number(Int)
        /// Red, green and blue.
        case mixed(Int, Int, Int)
    }

    /// The colour of the character.
    var foreground = Color.usual
    /// The colour behind it.
    var background = Color.usual
    /// The attributes that are on: bold (1), faint, italic, underlined, blinking, reversed (7), hidden, struck out (9).
    var attributes: Set<Int> = []

    /// The style of what is erased: the background alone.
    var erased: ScreenStyle {
        var style = ScreenStyle()
        style.background = background
        return style
    }

    /// Takes the numbers of a sequence; one that is left out is 0.
    mutating func apply(_ given: [Int]) {
        var numbers = given.map { max(0, $0) }[...]
        while let number = numbers.popFirst() {
            switch number {
            case 0: self = ScreenStyle()
            case 1...9: attributes.insert(number == 6 ? 5 : number)
            case 21: attributes.insert(4)
            case 22: attributes.subtract([1, 2])
            case 23...29: attributes.remove(number - 20)
            case 30...37: foreground = .number(number - 30)
            case 38: if let color = Self.color(&numbers) { foreground = color }
            case 39: foreground = .usual
            case 40...47: background = .number(number - 40)
            case 48: if let color = Self.color(&numbers) { background = color }
            case 49: background = .usual
            case 90...97: foreground = .number(number - 82)
            case 100...107: background = .number(number - 92)
            default: break
            }
        }
    }

    private static func color(_ numbers: inout ArraySlice<Int>) -> Color? {
        switch numbers.popFirst() {
        case 5: return numbers.popFirst().map { .number(min($0, 255)) }
        case 2:
            guard let red = numbers.popFirst(), let green = numbers.popFirst(), let blue = numbers.popFirst() else {
                return nil
            }
            return .mixed(min(red, 255), min(green, 255), min(blue, 255))
        default: return nil
        }
    }

    /// The sequence that sets it, whatever was set before.
    var sequence: String {
        let numbers =
            ["0"] + attributes.sorted().map(String.init) + Self.numbers(foreground, 30)
            + Self.numbers(background, 40)
        return "\u{1B}[\(numbers.joined(separator: ";"))m"
    }

    private static func numbers(_ color: Color, _ first: Int) -> [String] {
        switch color {
        case .usual: []
        case .number(let number) where number < 8: ["\(first + number)"]
        case .number(let number) where number < 16: ["\(first + 52 + number)"]
        case .number(let number): ["\(first + 8)", "5", "\(number)"]
        case .mixed(let red, let green, let blue): ["\(first + 8)", "2", "\(red)", "\(green)", "\(blue)"]
        }
    }
}
