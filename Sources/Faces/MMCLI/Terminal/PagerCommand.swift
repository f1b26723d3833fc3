import MMSystem

/// The program that shows long texts a screen at a time.
package struct PagerCommand: Sendable {
    /// The shell's line that starts it.
    let line: String
    /// The environment it gets.
    let environment: [String: String]

    /// The pager that a person chose with `MM_PAGER` or `PAGER`, otherwise `less`.
    /// - Parameter environment: the environment of this process.
    /// - Returns: `nil` where the person wants none (an empty value or `cat`), where the terminal can't show one, and
    ///   where `less` isn't installed.
    package init?(environment: [String: String]) {
        guard environment["TERM"] != "dumb", environment["TERM"] != nil else { return nil }
        if let chosen = environment["MM_PAGER"] ?? environment["PAGER"] {
            guard !chosen.isEmpty, chosen != "cat" else { return nil }
            line = chosen
        } else {
            guard let path = environment["PATH"], ExecutableSearch.find("less", path: path) != nil else { return nil }
            line = "less"
        }
        // As git does: no pager for what fits the screen after all, colours shown, the text left on the screen.
        self.environment = environment.merging(["LESS": "FRX", "LV": "-c"]) { own, _ in own }
    }
}
