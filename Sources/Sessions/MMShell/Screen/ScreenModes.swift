/// What programs set of a terminal besides its characters (DEC private modes, and what xterm adds).
struct ScreenModes: Sendable, Hashable {
    /// Whether the cursor is shown.
    private var showsCursor = true
    /// Whether the keys of the number pad send sequences.
    var hasApplicationKeypad = false
    /// The other modes that are on.
    private var on: Set<Int> = []

    /// The modes that a terminal has to be told again when it shows the screen: cursor keys, mouse, focus, pasted text.
    private static let known: Set<Int> = [1, 9, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 2004]

    /// Notes that a mode was set or reset.
    mutating func set(_ mode: Int, _ isOn: Bool) {
        if mode == 25 {
            showsCursor = isOn
        } else if Self.known.contains(mode) {
            if isOn { on.insert(mode) } else { on.remove(mode) }
        }
    }

    /// What sets these modes in a terminal that has none.
    var setting: String {
        on.sorted().map { "\u{1B}[?\($0)h" }.joined() + (hasApplicationKeypad ? "\u{1B}=" : "")
            + (showsCursor ? "" : "\u{1B}[?25l")
    }

    /// What takes them back.
    var resetting: String {
        on.sorted().map { "\u{1B}[?\($0)l" }.joined() + (hasApplicationKeypad ? "\u{1B}>" : "")
            + (showsCursor ? "" : "\u{1B}[?25h")
    }
}
