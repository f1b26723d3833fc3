internal import MMCore
import ShellSyntax

extension ShellPrograms {
    /// Programs that only show and measure a machine, its network and its files, whatever their arguments are.
    static let inspectors = names(
        """
        sar mtr blkid findmnt getfacl getfattr lsattr sensors lvs vgs pvs lvdisplay vgdisplay pvdisplay lvscan vgscan pvscan \
        dmidecode lshw hwinfo inxi biosdecode mailq getenforce sestatus iftop nethogs iotop atop nmon glances dstat pidstat nstat \
        rtstat slabtop numastat pmap ncdu lslogins lsns lsipc lsmem lsfd lsirq lslocks lsb_release systemd-analyze systemd-cgls \
        systemd-cgtop systemd-detect-virt systemd-path systemd-escape dpkg-query apt-cache apt-file rpmquery debsums pg_isready \
        pg_controldata ldapsearch ldapwhoami klist tracepath tracepath6 traceroute6 ping6 fping arping whois tcpdump \
        geoiplookup delv drill ipcalc sipcalc ipcs lastb lastcomm faillog utmpdump users finger pinky acpi upower powertop cpuid \
        cpufreq-info turbostat x86info edid-decode iwlist iwgetid lsscsi lsdvd vainfo vdpauinfo \
        glxinfo xrandr xdpyinfo xwininfo xprop nvidia-smi rocm-smi clinfo locate plocate mlocate exa eza lsd dust duf colordiff \
        difft icdiff wdiff sdiff diff3 zdiff xzdiff zcmp bzgrep xzgrep zipgrep ack pt ugrep rga vgrep md5deep rhash sha1deep \
        sha224sum sha384sum sum namei cloc scc tokei mediainfo ffprobe soxi pdfinfo pdffonts \
        chktex aspell hunspell lexgrog manpath nm size objdump readelf ldd addr2line c++filt eu-readelf \
        pkg-config pkgconf gcov promtool yamllint hadolint named-checkconf named-checkzone unbound-checkconf doveconf \
        ps_mem smem vnstat bmon speedtest neofetch fastfetch screenfetch hostid logname arch nproc tty runlevel \
        lsinitramfs lsinitrd hexyl bat batcat delta gron jless jid xsv qsv csvlook csvstat csvcut csvgrep miller mlr \
        tshark capinfos ngrep termshark lnstat ctop stern kubetail dive \
        zgrep zless zfgrep zegrep lz4cat zstdcat lzcat zstdgrep zstdless pstack jps jstack jstat jcmd jinfo pgbadger \
        pt-query-digest mytop innotop pg_top ccze lnav goaccess multitail tailspin angle-grinder agrind \
        dnstracer dnstop nmap swaplabel lsblk zramctl tzselect cal ncal getcap pscap filecap netcap \
        snmpwalk snmpget snmpgetnext snmpbulkwalk snmptable snmpstatus lynis uptimed uprecords ruptime rwho lstopo hwloc-ls
        """)

    /// Programs that only show something, unless an option names a file or a setting.
    static let measuring = names(
        """
        blkid findmnt getfacl getfattr lsattr sensors lvs vgs pvs lvdisplay vgdisplay pvdisplay dmidecode getenforce sestatus \
        aa-status mailq lsns lsipc lsmem lslogins lsfd lsscsi dpkg-query apt-cache pidstat slabtop numastat pmap klist tracepath \
        lastb namei iostat mpstat dstat nstat lshw ipcs getcap debsums rpmquery lsb_release pg_isready
        """)

    /// Programs that build, check, convert, pack and show the files in their arguments, and touch nothing else.
    static let makers = names(
        """
        gcc g++ cc c++ clang clang++ gfortran ld ar as ranlib strip objcopy rustc swiftc swift javac java kotlinc scalac ghc ocamlc \
        nim zig tcc ldc2 dmd fpc gnatmake nasm yasm cpp autoconf automake autoreconf aclocal libtool libtoolize configure meson \
        ccache sccache protoc buf flatc thrift swig bison yacc flex gperf ctags etags cscope doxygen sphinx-build mkdocs hugo jekyll \
        pandoc asciidoctor pdflatex xelatex lualatex latexmk bibtex dvips groff troff typst mdbook black ruff isort flake8 pylint \
        mypy pyright bandit autopep8 yapf clang-format clang-tidy clangd cppcheck gofmt goimports golangci-lint staticcheck rustfmt \
        clippy-driver swift-format swiftformat swiftlint shellcheck shfmt stylelint htmlhint markdownlint markdownlint-cli vale \
        rubocop phpcs phpstan psalm ktlint checkstyle pmd spotbugs jshint jslint standard xo rome biome dprint taplo pre-commit \
        tar bsdtar gtar zip unzip gzip gunzip bzip2 bunzip2 xz unxz lzma lz4 zstd unzstd 7z 7za 7zz rar unrar cpio pax brotli pigz \
        pbzip2 ditto base64 base32 uuencode uudecode basenc openssl gpg gpg2 gpgv age minisign signify ssh-keygen ssh-keyscan \
        ssh-agent sha256deep split csplit mktemp mkdir touch mkfifo ln cp mv install link tee dd truncate rename mmv iconv recode \
        dos2unix unix2dos expand unexpand fmt pr shuf tsort ptx patch diffstat sed gsed awk gawk mawk nawk tidy xmllint xsltproc \
        xmlstarlet html2text csv2json json2yaml yq jq dasel convert magick mogrify composite montage ffmpeg sox lame flac oggenc \
        opusenc inkscape rsvg-convert potrace optipng jpegoptim pngquant gifsicle cwebp dwebp exiftool gs ps2pdf pdf2ps pdftotext \
        pdftoppm pdfunite pdfseparate qpdf pdftk img2pdf ocrmypdf tesseract graphviz dot neato plantuml mmdc vim vi \
        nvim nano emacs micro joe ne ed ex code subl hx kak less more most view strace ltrace gdb lldb perf valgrind rr hyperfine \
        wrk ab hey siege k6 vegeta locust iperf iperf3 fio sysbench stress stress-ng stream time git git-lfs hg svn fossil bzr cvs \
        gitk tig lazygit gh glab pre-commit commitizen cz changelog git-cliff act nox tox pytest jest vitest \
        mocha ava tap cypress playwright karma phpunit rspec cucumber behave bats ctest gtest lit nosetests coverage lcov genhtml gcovr \
        tmux screen byobu zellij script scriptreplay asciinema ttyrec direnv asdf mise nvm pyenv rbenv rustup sdk jenv virtualenv venv \
        pipx pip-compile pip-sync conda mamba cookiecutter copier yo degit envsubst gomplate jinja2 j2 mustache m4 cmark glow \
        wget curl aria2c axel http https xh httpie yt-dlp youtube-dl man info tldr cheat column pv progress gettext msgfmt xgettext \
        uuidgen mcookie pwgen apg xxd od hexdump file sqlite3 duckdb mysqldump pg_dump sleep sync chroma pygmentize highlight bc dc \
        units qalc gnuplot octave figlet toilet cowsay fortune lolcat banner sl say espeak speaker-test aplay xclip xsel \
        pbcopy pbpaste wl-copy wl-paste notify-send zenity dialog whiptail fzf sk gum wasm-pack wat2wasm wasm2wat \
        wasmtime wasmer emcc terser uglifyjs esbuild rollup parcel babel swc tsx ts-node sass lessc postcss tailwindcss next nuxt \
        iex gatsby flask uvicorn gunicorn hypercorn celery jupyter streamlit manage.py xdg-open enable bind fc autoload bindkey zmodload astro svelte-kit vue ember nx turbo lerna rush expo react-native cordova ionic storybook \
        jar javap jdeps jlink jpackage jarsigner nuget msbuild paket pod xcodebuild xcrun carthage mint tuist swiftgen bazelisk buck2 \
        pants please earthly lefthook husky overcommit papermill nbconvert dvc tensorboard torchrun ollama zola hexo eleventy \
        docusaurus antora vitepress sqlfluff pg_format oxlint knip depcheck madge size-limit wasm-bindgen trunk cross bindgen cbindgen \
        golint errcheck gosec mockgen stringer wire air spectral redocly openapi-generator openapi-generator-cli swagger-codegen \
        autorest tflint tfsec checkov trivy grype syft semgrep gitleaks trufflehog terraform-docs infracost kubeval kubeconform \
        kube-linter conftest opa helm-docs kustomize jsonnet jb ytt dhall cue nickel pkl dockle ktlint detekt scalafmt scalafix mill cs \
        coursier lein clj-kondo dialyzer hpack hlint ormolu fourmolu stylish-haskell elm elm-test elm-format purs spago gleam crystal \
        shards odin janet fennel luacheck stylua busted luarocks perltidy perlcritic prove brakeman reek standardrb erb erblint \
        php-cs-fixer pint phpmd rector pest infection iverilog vvp yosys verilator ghdl arduino-cli platformio pio west idf.py openscad \
        blender godot cabal-fmt zls nimble dub alr gprbuild gnatmake raco stack esy dune opam rescript bsb tsup unbuild tsdown rolldown \
        rspack rsbuild parcel snowpack lit vuepress slidev marp remark textlint cspell codespell typos alex write-good proselint \
        licensee scancode reuse addlicense git-crypt git-secrets bump2version bumpversion standard-version scrapy maturin towncrier \
        svgo imagemin webfont fonttools ttx glyphs mkfifo cmake-format cmake-lint include-what-you-use bear ccls jscpd sloccount \
        complexity radon xenon vulture pydocstyle docformatter pyupgrade autoflake pdoc interrogate mutmut hypothesis locust \
        alembic flask-migrate django-admin invoke fab doit scons waf premake5 xmake gn ninja samu tup redo just mask task
        """)
}

extension ShellJudge {
    /// Returns whether no table knows a program.
    func isUnheardOf(_ call: ShellScript.Command) -> Bool {
        let name = call.program
        guard !call.name.hasPrefix("-"), call.name.allSatisfy({ $0.isLetter || $0.isNumber || "-_.+@/".contains($0) })
        else { return false }
        return !ShellPrograms.inspectors.contains(name) && !ShellPrograms.makers.contains(name)
            && !ShellPrograms.verbless.contains(name) && !ShellPrograms.starters.contains(name)
            && !ClientVerbs.isCloud(name) && CarriedText.table[name] == nil && !Self.isInterpreter(name)
            && !ShellPrograms.shells.contains(name) && !ShellPrograms.destroyers.contains(name)
            && !ShellPrograms.privileged.contains(name) && !ShellPrograms.software.contains(name)
            && !["find", "fd", "rm", "unlink", "rmdir", "rsync", "git", "dd", "device"].contains(name)
            && !ShellPrograms.readers.contains(name) && !ShellPrograms.carriers.contains(name)
            && !ShellPrograms.mailers.contains(name)
    }

    /// Returns whether a program in the sandbox may have effects outside of it: no table knows it, it doesn't belong to the project, and
    /// its verb neither reads nor builds. Such a program may use what the sandbox permits, above all the network.
    func leavesWorkspace(_ call: ShellScript.Command) -> Bool {
        guard context.hasWalls, !call.name.contains("/") || Self.isInstalled(call.name), isUnheardOf(call),
            !record.memory.functions.contains(call.name), !record.memory.aliases.contains(call.name)
        else { return false }
        let words = call.arguments.map(\.value)
        // The word after a long option may be the option's value.
        let verbs = words.indices.filter { index in
            !words[index].hasPrefix("-")
                && (index == 0 || !words[index - 1].hasPrefix("--") || words[index - 1].contains("="))
        }
        guard let verb = verbs.first.map({ words[$0] }), !WordMeaning.looks(call.program, words) else { return false }
        let isFile = verb.contains { "./=*:@,".contains($0) || $0.isNumber || $0.isWhitespace }
        let stem = verb.split { ":-".contains($0) }.first.map(String.init) ?? verb
        return !isFile && !Self.building.contains(stem.lowercased())
    }

    /// Verbs that make something of a project's files.
    private static let building: Set<String> = [
        "build", "test", "run", "check", "lint", "format", "fmt", "clean", "compile", "install", "init", "new",
        "create",
        "generate", "gen", "serve", "server", "dev", "watch", "start", "bench", "doc", "docs", "coverage", "typecheck",
        "verify",
        "validate", "fix", "render", "convert", "parse", "bundle", "package", "make", "add", "sync", "lock", "update",
        "migrate",
        "g", "i", "t", "b", "c", "w", "debug", "preview", "compress", "extract", "merge", "split", "encode", "decode",
        "analyze",
        "analyse", "transform", "setup", "prepare", "export", "import", "download", "restore", "fetch", "pull", "exec",
        "tests", "all",
        "default", "lints", "spec", "e2e", "unit", "storybook", "codegen", "typegen", "schema", "assets", "icons",
        "i18n",
    ]

    /// Returns the rule for reading, if a program only shows something; `nil` for others, and if an option may do more.
    static func measures(_ name: String, _ words: [String]) -> ShellRule? {
        let isPlain = words.allSatisfy { word in
            !["config", "file", "write", "save", "set", "restore", "dump"].contains { word.contains($0) }
                && !(word.hasPrefix("-w") || word == "-W" || word == "-c" || word == "-g")
        }
        return ShellPrograms.measuring.contains(name) && isPlain ? .reads : nil
    }

    static func isInstalled(_ name: String) -> Bool {
        ["/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/"].contains {
            name.hasPrefix($0)
        }
    }
}
