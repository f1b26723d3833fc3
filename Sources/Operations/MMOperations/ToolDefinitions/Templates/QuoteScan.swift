/// Follows the quotes of an OData expression.
struct QuoteScan {
    /// What the next character stands in.
    enum State { case none, single, double }

    private(set) var state = State.none
    private var isEscaped = false

    /// Goes over a piece of the text.
    mutating func pass(_ text: String) {
        for character in text {
            if isEscaped {
                isEscaped = false
                continue
            }
            switch (state, character) {
            case (.none, "'"): state = .single
            case (.single, "'"): state = .none
            case (.none, "\""): state = .double
            case (.double, "\""): state = .none
            case (.double, "\\"): isEscaped = true
            default: continue
            }
        }
    }
}
