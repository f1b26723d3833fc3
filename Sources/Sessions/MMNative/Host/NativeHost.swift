import MMCore

/// The resources that a script may use on the machine that runs it: files that exist only in its run, and questions to
/// the person who started it. Every path that it names, wherever it leads, is a file of the run.
package final class NativeHost: Sendable {
    /// A file of a run.
    package struct File: Sendable {
        /// The path as the script wrote it.
        package internal(set) var path: String
        /// The content.
        package internal(set) var bytes: [UInt8]
        /// Whether the script wrote the file; otherwise it was passed in.
        package internal(set) var isWritten: Bool
        /// What the bytes hold if the script wrote a workbook.
        var workbook: Workbook?

        /// Its name without folders.
        package var name: String { RunFiles.parts(of: path).last.map(String.init) ?? "file" }
    }

    private struct State {
        var files: RunFiles
        var folder = CurrentFolder()
        /// How often each question was asked in this run.
        var questions: [String: Int] = [:]
        var remarks: [String] = []
    }

    /// The name of the script's own file.
    package let scriptName: String
    /// Whether the run only shows what another would do.
    let isRehearsal: Bool
    private let answers: [String: String]
    private let ask: (@Sendable (String) async -> String?)?
    /// The answers of a person, which a rehearsal and the run after it share, so that each question is asked once.
    private let person: PersonAnswers
    private let progress: @Sendable (String) -> Void
    private let state: Mutex<State>

    /// Creates a host for one run.
    /// - Parameters:
    ///   - scriptName: the name of the script's own file.
    ///   - attached: the files that are passed in, by name.
    ///   - answers: answers to questions, by the name of the variable that takes them.
    ///   - isRehearsal: whether the run only shows what another would do.
    ///   - progress: receives the script's progress messages.
    ///   - ask: asks a person a question; `nil` if no person can be asked.
    package convenience init(
        scriptName: String = "script.ps1", attached: [(name: String, bytes: [UInt8])] = [],
        answers: [String: String] = [:], isRehearsal: Bool = false,
        progress: @escaping @Sendable (String) -> Void = { _ in },
        ask: (@Sendable (String) async -> String?)? = nil
    ) {
        self.init(
            scriptName, attached, answers, PersonAnswers(), isRehearsal: isRehearsal, progress: progress, ask: ask)
    }

    private init(
        _ scriptName: String, _ attached: [(name: String, bytes: [UInt8])], _ answers: [String: String],
        _ person: PersonAnswers, isRehearsal: Bool, progress: @escaping @Sendable (String) -> Void,
        ask: (@Sendable (String) async -> String?)?
    ) {
        self.scriptName = scriptName
        self.isRehearsal = isRehearsal
        self.person = person
        self.answers = Dictionary(
            answers.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
        self.ask = ask
        self.progress = progress
        state = Mutex(State(files: RunFiles(attached: attached)))
    }

    /// A host with the same files, answers and person, for a rehearsal that only shows what a run would do. What the
    /// person answers there holds for the run as well.
    package var forRehearsal: NativeHost {
        let attached = all.filter { !$0.isWritten }.map { ($0.path, $0.bytes) }
        return NativeHost(
            scriptName, attached, answers, person, isRehearsal: true, progress: { _ in }, ask: ask)
    }

    /// Begins a run of the script, in which a person's earlier answers are given in the order of the questions.
    /// - Parameter leavesFolder: whether the script goes to other folders.
    func begin(leavesFolder: Bool) {
        state.withLock { state in
            state.questions = [:]
            state.folder = CurrentFolder(isLeft: leavesFolder)
        }
    }

    /// The files that the script wrote, in order.
    package var written: [File] { all.filter(\.isWritten) }

    private var all: [File] { state.withLock { $0.files.all.map(\.file) } }

    /// What the run says about itself, apart from what the script says.
    package var remarks: [String] { state.withLock { $0.remarks } }

    /// Adds a remark, once.
    func remark(_ text: String) {
        state.withLock { state in if !state.remarks.contains(text) { state.remarks.append(text) } }
    }

    /// Reports the script's progress.
    func show(_ text: String) { progress(text) }

    /// Returns an environment variable with which scripts find folders: each is a folder of the run.
    func environment(_ name: String) -> String? {
        switch name.lowercased() {
        case "temp", "tmp", "localappdata", "appdata", "programdata": folder.rooted("Temp")
        case "userprofile", "homepath", "home", "public", "onedrive", "onedrivecommercial": folder.rooted("Home")
        case "homedrive", "systemdrive": "C:"
        case "username", "user": "user"
        case "computername", "hostname": "localhost"
        case "userdomain", "userdnsdomain": "localhost"
        default: nil
        }
    }

    // MARK: Questions

    /// Returns the answer to a question: the caller's if given, otherwise a person's.
    /// - Parameter name: the variable that takes it, or the words of the question.
    func answer(_ name: String, question: String? = nil, in evaluator: Evaluator) throws(Interrupt) -> String {
        if let known = answers[name.lowercased()] { return known }
        let words = question ?? name
        let place = state.withLock { state in
            defer { state.questions[words, default: 0] += 1 }
            return state.questions[words, default: 0]
        }
        if let earlier = person.answer(to: words, at: place) { return earlier }
        if let ask {
            // The person has to see what the script said before it asks.
            let shown = evaluator.delivery.saidSinceQuestion() + [words]
            let box = Mutex<String?>(nil)
            try evaluator.delivery.perform {
                let answer = await ask(shown.joined(separator: "\n"))
                box.withLock { $0 = answer }
            }
            if let answer = box.withLock({ $0 }) {
                person.note(answer, to: words)
                return answer
            }
        }
        // Without a person, two kinds of questions are answered as if only Enter was pressed: those whose answer only
        // opens something, and pauses of a script that only reads. Before a change, a pause is the last moment to stop,
        // so it isn't answered.
        if evaluator.idleQuestions.opening.contains(name.lowercased()) {
            remark("There is nobody to answer “\(words)”, which only opens something: assumed no.")
            return ""
        }
        if evaluator.isPause, evaluator.onlyReads {
            remark("There is nobody to answer “\(words)”, which only waits: assumed Enter.")
            return ""
        }
        throw .unanswered(
            NativeError(
                "ReadHost",
                "The script asks “\(words)”, and there is nobody to answer: set --param \(name)=…",
                isReadable: true))
    }

    // MARK: Files

    /// The current folder.
    var folder: CurrentFolder { state.withLock { $0.folder } }

    func changeFolder(_ body: (inout CurrentFolder) -> Void) { state.withLock { body(&$0.folder) } }

    /// The path of the script's own file.
    var scriptPath: String { folder.root + "/" + scriptName }

    /// Returns the key of a path among the files of the run, which all spellings of it share.
    static func key(_ path: String) -> String { RunFiles.key(path) }

    /// Returns the number of components of a path.
    static func depth(_ path: String) -> Int { RunFiles.parts(of: path).count }

    /// Returns the files whose paths match a wildcard pattern.
    func files(like pattern: String, in evaluator: Evaluator) throws(Interrupt) -> [File] {
        let wildcard = try evaluator.wildcard(Self.key(pattern), ignoringCase: true)
        var found: [File] = []
        for (key, file) in state.withLock({ $0.files.all }) where try wildcard.matches(key) { found.append(file) }
        return rooted(found)
    }

    /// Returns the files below a folder.
    func files(in folder: String) -> [File] { rooted(state.withLock { $0.files.files(in: folder) }) }

    /// Returns files with paths that mean the same in every folder.
    private func rooted(_ files: [File]) -> [File] {
        let folder = folder
        return files.map { file in
            var file = file
            file.path = folder.rooted(file.path)
            return file
        }
    }

    /// Returns whether a folder has folders in it.
    func hasFolders(in folder: String) -> Bool { state.withLock { $0.files.hasFolders(in: folder) } }

    /// Returns a file's content; `nil` if there is no such file. A file that was passed in is also found by its name
    /// alone.
    package func read(_ path: String) -> [UInt8]? { state.withLock { $0.files.file(at: path)?.bytes } }

    /// Returns the content of a file that a cmdlet names; `nil` if there is no such file.
    package func content(of path: String) -> [UInt8]? { read(folder.located(path)) }

    /// Returns whether there is a file at a path.
    func hasFile(_ path: String) -> Bool { state.withLock { $0.files.file(at: path) != nil } }

    /// Returns whether there is a file or folder at a path.
    func exists(_ path: String) -> Bool { isFolder(path) || hasFile(path) }

    /// Returns whether a path is a folder of the run.
    func isFolder(_ path: String) -> Bool { state.withLock { $0.files.isFolder(path) } }

    func makeFolder(_ path: String) { state.withLock { $0.files.makeFolder(path) } }

    /// Returns the workbook that the script wrote to a path.
    func workbook(at path: String) -> Workbook? { state.withLock { $0.files.workbook(at: path) } }

    /// Returns whether a command's name is that of the script's own file, with or without its folder.
    func isOwnScript(_ name: String) -> Bool {
        name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init)?.lowercased()
            == scriptName.lowercased()
    }

    /// Writes a workbook.
    func write(_ workbook: Workbook, to path: String) throws(Interrupt) {
        try write(to: path) { files in files.write(workbook.bytes, to: path, isAppending: false, workbook: workbook) }
    }

    /// Writes a file, or appends to it.
    func write(_ bytes: [UInt8], to path: String, isAppending: Bool) throws(Interrupt) {
        try write(to: path) { files in files.write(bytes, to: path, isAppending: isAppending) }
    }

    private func write(to path: String, _ body: (inout RunFiles) -> Bool) throws(Interrupt) {
        guard !Self.key(path).isEmpty else { throw .handOver("a file without a name") }
        guard state.withLock({ body(&$0.files) }) else {
            throw .fatal(NativeError("FilesTooLarge", "The files of the script are too large.", isReadable: true))
        }
    }

    /// Writes a service's answer to a file.
    package func keep(_ bytes: [UInt8], as path: String) {
        guard !Self.key(path).isEmpty else { return }
        state.withLock { $0.files.put(bytes, at: $0.folder.located(path), isWritten: true) }
    }

    func remove(_ path: String) { state.withLock { $0.files.remove(path) } }
}

/// A person's answers to the questions of a script, by their words.
private final class PersonAnswers: Sendable {
    private let given = Mutex<[String: [String]]>([:])

    /// Returns the answer that was given when the question was asked for the given time.
    func answer(to question: String, at place: Int) -> String? {
        given.withLock { given in
            let answers = given[question] ?? []
            return answers.indices.contains(place) ? answers[place] : nil
        }
    }

    func note(_ answer: String, to question: String) { given.withLock { $0[question, default: []].append(answer) } }
}
