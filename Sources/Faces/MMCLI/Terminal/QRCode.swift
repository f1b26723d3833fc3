import CQRCode
import MMCore
import MMSystem

/// A text as a QR code in the terminal, for the camera of a phone.
struct QRCode: Sendable {
    /// Two lines of modules in one of the screen, with the quiet zone around them.
    let lines: [String]

    private static let margin = 2

    /// - Returns: `nil` without libqrencode, or for a text that is too long.
    init?(_ text: String) {
        var modules = [UInt8](repeating: 0, count: 177 * 177)
        let width = Int(mm_qr_encode(text, &modules, modules.count))
        guard width > 0 else { return nil }
        let side = width + 2 * Self.margin
        func isDark(_ row: Int, _ column: Int) -> Bool {
            let (row, column) = (row - Self.margin, column - Self.margin)
            guard (0..<width).contains(row), (0..<width).contains(column) else { return false }
            return modules[row * width + column] == 1
        }
        // Light modules are drawn, since most terminals are dark; the margin is light, so that it works on both.
        lines = stride(from: 0, to: side, by: 2).map { row in
            String(
                (0..<side).map { column -> Character in
                    switch (isDark(row, column), row + 1 < side && isDark(row + 1, column)) {
                    case (false, false): "█"
                    case (false, true): "▀"
                    case (true, false): "▄"
                    case (true, true): " "
                    }
                })
        }
    }

    /// Whether a person wants one: `MM_QR=always`, `never`, or what is left out, where the screen has room for it.
    func isWanted(on screen: Terminal.Size?, environment: [String: String]) -> Bool {
        switch environment["MM_QR"] {
        case "always": return true
        case "never": return false
        default: break
        }
        let language = environment["LC_ALL"] ?? environment["LC_CTYPE"] ?? environment["LANG"] ?? ""
        guard let screen, language.lowercased().contains("utf") else { return false }
        return screen.rows >= lines.count + 12 && screen.columns >= (lines.first?.count ?? 0) + 2
    }
}
