// Runs the steps of a build in one shell, confined to a folder. The directory and variables persist between steps; a step
// that hangs is stopped, and the shell continues.
//
//     swift run BuildShell FOLDER 'export CC=clang' 'make -j2' 'make test'
import Glibc
import MMCore
import MMShell

let words = Array(CommandLine.arguments.dropFirst())
guard let folder = words.first, words.count > 1 else {
    print("usage: BuildShell FOLDER STEP…")
    exit(2)
}
do throws(MMError) {
    // It doesn't inherit the secrets of this program, such as tokens in variables: a build runs code of other people.
    var settings = ShellSettings(name: "build", directory: folder)
    settings.sandbox = .workspace(WorkspaceRules(workspace: folder))
    let shell = try await LocalShell.start(settings)
    for step in words.dropFirst() {
        print("$ \(step)")
        let answer = try await shell.run(step, deadline: .after(.seconds(600)))
        print(answer.stdout.text + answer.stderr.text, terminator: "")
        guard answer.end.exitCode == 0 else {
            print("ended with \(answer.end.exitCode) (\(answer.end.cause.word))")
            await shell.close()
            exit(1)
        }
    }
    await shell.close()
} catch {
    print(error.description)
    exit(error.exitCode)
}
