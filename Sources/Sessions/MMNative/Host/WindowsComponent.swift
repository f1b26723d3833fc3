/// The results of `New-Object -ComObject`. Of the components that Windows scripts use, two are supported: one that asks a
/// question in a window, which is answered with the safest button because there is no window, and one that finds the downloads
/// folder, which is a folder of the run. All others are refused.
enum WindowsComponent {
    private static let shell = "WScript.Shell"
    private static let folders = "Shell.Application"

    /// Returns a component.
    static func made(_ name: String, of command: CommandSpecification) throws(Interrupt) -> PSValue {
        guard let known = [shell, folders].first(where: { $0.lowercased() == name.lowercased() }),
            let object = PSObject([], typeName: known, isCustom: false)
        else {
            throw .fatal(
                NativeError(
                    command.errorID("NoCOMClassIdentified"),
                    "The script uses \(name), a component of Windows (New-Object -ComObject), which isn't available: run it on "
                        + "Windows, or without that part.",
                    isReadable: true))
        }
        return .object(object)
    }

    /// Calls a method of a component; `nil` if the target isn't one.
    static func call(
        _ target: PSObject, _ method: String, _ arguments: [PSValue], in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue? {
        if target.typeName == folders, method == "namespace", arguments.count == 1 {
            return try folder(try PSText.string(arguments[0]))
        }
        guard target.typeName == shell else { return nil }
        guard method == "popup", let text = arguments.first, arguments.count <= 4 else {
            throw .fatal(
                NativeError(
                    "MethodNotFound",
                    "\(shell) has no method \(method) here, because there are no windows and programs.",
                    isReadable: true))
        }
        var buttons = 0
        if arguments.count == 4, case .int(let number) = arguments[3] { buttons = Int(number) & 0xF }
        let answer = careful[buttons] ?? (1, "OK")
        evaluator.endLine()
        evaluator.say(try PSText.string(text) + " (no window here: \(answer.name))")
        return .int(answer.number)
    }

    /// Returns one of Windows' own folders by its shell name: a folder of the run.
    private static func folder(_ name: String) throws(Interrupt) -> PSValue {
        let word = name.lowercased().split(separator: ":").last.map(String.init) ?? ""
        let known = [
            "downloads": "Downloads", "desktop": "Desktop", "personal": "Documents", "mydocuments": "Documents",
        ]
        guard name.lowercased().hasPrefix("shell:"), let folder = known[word],
            let item = PSObject([("Path", .string("Home\\\(folder)")), ("Name", .string(folder))]),
            let space = PSObject([("Self", .object(item)), ("Title", .string(folder))])
        else { throw .handOver("the folder \(name) of Windows") }
        return .object(space)
    }

    /// The button that changes nothing, keyed by the set of buttons.
    private static let careful: [Int: (number: Int32, name: String)] = [
        0: (1, "OK"), 1: (2, "Cancel"), 2: (3, "Abort"), 3: (2, "Cancel"), 4: (7, "No"), 5: (2, "Cancel"),
        6: (2, "Cancel"),
    ]
}
