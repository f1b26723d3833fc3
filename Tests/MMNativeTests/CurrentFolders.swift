import MMNative
import Testing

/// Scripts that go to another folder: relative paths begin there.
@Suite("Current folders", .timeLimit(.minutes(5)))
struct CurrentFolders: RunningReports {
    /// Begins a script whose run has a folder with a file in it.
    private static let start =
        "$null = New-Item -ItemType Directory Reports/Sub; 'top' | Set-Content a.txt; "
        + "'in' | Set-Content Reports/a.txt; "

    @Test(
        "relative paths of commands begin in the folder to which a script went",
        arguments: [
            ("Set-Location Reports; Get-Content a.txt, ../a.txt", ["in", "top"]),
            ("cd Reports; 'x' | Out-File b.txt; cd ..; Test-Path b.txt; Test-Path Reports/b.txt", ["False", "True"]),
            ("cd Reports; [pscustomobject]@{ A = 1 } | Export-Csv r.csv; (Import-Csv ~/Reports/r.csv).A", ["1"]),
            ("cd Reports; 'x' > c.txt; (Get-ChildItem -File).Name", ["a.txt", "c.txt"]),
            ("sl -LiteralPath Reports; Copy-Item a.txt Sub; Get-Content Sub/a.txt", ["in"]),
            ("cd Reports; $f = Get-Item a.txt; cd ..; $f | Get-Content; Get-ChildItem -File | gc", ["in", "top"]),
            ("cd Reports; $null = mkdir New; cd ~; Test-Path Reports\\New -PathType Container", ["True"]),
            ("cd Reports; 'x', 'y' | Tee-Object t.txt; cd ..; Get-Content Reports/t.txt", ["x", "y", "x", "y"]),
            (
                "cd Reports; Rename-Item a.txt z.txt; Remove-Item ../a.txt; Get-ChildItem -File -Recurse ~ | % Name",
                ["z.txt"]
            ),
            ("'Reports' | Set-Location; Get-Content a.txt", ["in"]),
            ("function f { cd Reports }; f; Get-Content a.txt", ["in"]),
            ("cd C:\\Temp; 'x' | Set-Content t.txt; Get-Content C:\\Temp\\t.txt, \\temp\\t.txt", ["x", "x"]),
            ("cd Reports; Select-String in a.txt | % Line; (Get-FileHash a.txt).Path", ["in", "~/Reports/a.txt"]),
        ] as [(String, [String])])
    func relative(script: String, expected: [String]) async throws {
        #expect(try await texts(Self.start + script) == expected, "\(script)")
    }

    @Test(
        "a script goes back to where it came from",
        arguments: [
            (
                "Push-Location Reports; Push-Location Sub; Pop-Location; gc a.txt; Pop-Location; gc a.txt",
                ["in", "top"]
            ),
            ("$here = Get-Location; cd Reports; cd $here; Get-Content a.txt", ["top"]),
            ("$here = $PWD.Path; cd Reports; Set-Location -Path $here; Get-Content a.txt", ["top"]),
            ("pushd Reports; try { gc a.txt } finally { popd }; gc a.txt", ["in", "top"]),
            ("cd Reports; Get-Content $PSScriptRoot/a.txt, (Join-Path $PSScriptRoot a.txt)", ["top", "top"]),
            ("$to = \"$env:USERPROFILE\\Documents\"; cd $to; 'x' > r.txt; gc \"$to\\r.txt\"", ["x"]),
            ("$to = [Environment]::GetFolderPath('Desktop'); cd $to; 'x' > r.txt; cd $to; gc r.txt", ["x"]),
            ("Push-Location; cd Reports; Pop-Location; Get-Content a.txt", ["top"]),
            ("Pop-Location; cd Reports; chdir ../..; Get-Content a.txt", ["top"]),
        ] as [(String, [String])])
    func back(script: String, expected: [String]) async throws {
        #expect(try await texts(Self.start + script) == expected, "\(script)")
    }

    @Test(
        "the current folder is told with a path that means the same everywhere",
        arguments: [
            (
                "cd Reports; \"$PWD\"; (Get-Location).Path; (Resolve-Path .\\a.txt).Path",
                [
                    "~/Reports", "~/Reports", "~/Reports/a.txt",
                ]
            ),
            ("cd C:\\Temp; \"$PWD\\x.csv\"; Join-Path $PWD x.csv", ["C:\\Temp\\x.csv", "C:\\Temp\\x.csv"]),
            (
                "(Set-Location Reports -PassThru).Path; (Push-Location Sub -PassThru).Path",
                ["~/Reports", "~/Reports/Sub"]
            ),
            ("cd Reports; cd ..; \"$PWD $PSScriptRoot $(Split-Path $PSScriptRoot)\"", ["~ ~ ~/.."]),
            ("cd Reports; Join-Path Sub x; Split-Path Sub/x; Test-Path ''", ["Sub/x", "Sub", "False"]),
            ("cd Reports; (Get-Item a.txt).DirectoryName; (gci a.*).FullName", ["~/Reports", "~/Reports/a.txt"]),
        ] as [(String, [String])])
    func told(script: String, expected: [String]) async throws {
        #expect(try await texts(Self.start + script) == expected, "\(script)")
    }

    @Test("methods of .NET stay in the folder in which the process began")
    func ofProcess() async throws {
        let script = "cd Reports; [IO.File]::ReadAllText('a.txt').Trim(); [IO.File]::Exists('Sub/x')"
        #expect(try await texts(Self.start + script) == ["top", "False"])
    }

    @Test("a file that was handed in is found by its name in each folder")
    func handedIn() async throws {
        var session = NativeSession()
        let host = NativeHost(attached: [("users.csv", Array("Name\nAda\n".utf8))])
        let script = "$null = mkdir Reports; cd Reports; (Import-Csv users.csv).Name; 'x' | Set-Content out.txt"
        let end = await NativeEngine(host: host, isPatient: true).run(script, in: &session)
        guard case .completed(let result) = end else {
            Issue.record("\(script) did not run: \(end)")
            return
        }
        #expect(result.objects.map(\.text) == ["Ada"])
        #expect(host.written.map(\.path) == ["~/Reports/out.txt"] && host.written.map(\.name) == ["out.txt"])
    }
}
