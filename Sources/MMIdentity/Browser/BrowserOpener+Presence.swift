internal import MMSystem

extension BrowserOpener {
    /// Whether one of the programs that may open a page is installed.
    var isThere: Bool {
        commands(for: "about:blank").contains { command in
            ExecutableSearch.find(command[0], path: environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin") != nil
        }
    }
}
