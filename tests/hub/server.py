"""A small Hugging Face Hub on loopback, for tests: the routes that huggingface_hub's client uses.

Repositories live in a folder: `blobs/DIGEST` are contents, `models/USER/NAME.json` and
`spaces/USER/NAME.json` hold branches and commits. A commit's files are listed by name with size,
git SHA-1 and, where large, SHA-256. Nothing checks what a listing says: hostile ones are written
as they are wanted.
"""

import base64
import hashlib
import json
import re
import threading
import time

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

USERS = {"hf_me": "me", "hf_other": "other", "hf_reader": "me"}
LARGE = (".safetensors", ".png", ".bin")


class Refusal(Exception):
    """An answer that is an error, in the form the client understands."""

    def __init__(self, status, message, code=None, **headers):
        super().__init__(message)
        coded = {"X-Error-Code": code} if code else {}
        self.response = JSONResponse(
            {"error": message}, status, {"X-Error-Message": message, **coded, **headers}
        )


class Hub:
    """The state behind the routes; tests read `requests` and set `faults`."""

    def __init__(self):
        self.folder = None
        self.reset(None)

    def reset(self, folder):
        self.folder = folder
        self.requests = []  # "METHOD /path" of everything that was asked
        self.faults = []  # (pattern of "METHOD /path", function(request) -> an answer or None)

    def fail(self, pattern, status):
        """Answer what matches "METHOD /path" with an error."""
        self.faults.append((pattern, lambda request: Response(status_code=status)))

    # Contents.

    def store(self, content):
        """Keep a content; its entry in a commit's list of files."""
        sha1 = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / "blobs").mkdir(exist_ok=True)
        for name in (sha1, digest):
            (self.folder / "blobs" / name).write_bytes(content)
        return {"size": len(content), "oid": sha1, "sha256": digest, "large": False}

    def has(self, digest):
        return (self.folder / "blobs" / digest).exists()

    # Repositories.

    def path(self, kind, repo_id):
        return self.folder / kind / f"{repo_id}.json"

    def write(self, kind, repo_id, repo):
        self.path(kind, repo_id).parent.mkdir(parents=True, exist_ok=True)
        self.path(kind, repo_id).write_text(json.dumps(repo))

    def make(self, repo_id, files=None, *, kind="models", private=False):
        """A repository with one commit that holds `files`: name -> bytes, or an entry as it is."""
        repo = {"private": private, "refs": {}, "commits": {}}
        first = {".gitattributes": b"*.safetensors filter=lfs\n"} if files is None else files
        entries = {
            name: self.store(value) | {"large": name.endswith(LARGE)}
            if isinstance(value, bytes) else value
            for name, value in first.items()
        }
        self.add_commit(repo, "main", entries, "initial commit")
        self.write(kind, repo_id, repo)
        return repo

    @staticmethod
    def add_commit(repo, branch, files, message):
        parent = repo["refs"].get(branch)
        oid = hashlib.sha1(json.dumps([parent, files, message]).encode()).hexdigest()
        repo["commits"][oid] = {"parent": parent, "message": message, "files": files}
        repo["refs"][branch] = oid
        return oid

    def read(self, kind, repo_id, user=None):
        """A repository as `user` sees it; "tests" sees everything."""
        path = self.path(kind, repo_id)
        repo = json.loads(path.read_text()) if path.exists() else None
        if repo is None or (repo["private"] and user not in ("tests", repo_id.split("/")[0])):
            raise Refusal(401, "Invalid username or password.", "RepoNotFound")
        return repo

    def history(self, repo_id, branch="main", kind="models"):
        """A branch's commits, the newest first."""
        repo = self.read(kind, repo_id, "tests")
        oid, found = repo["refs"][branch], []
        while oid:
            found.append(repo["commits"][oid])
            oid = found[-1]["parent"]
        return found


def resolve(repo, revision):
    oid = repo["refs"].get(revision, revision)
    if oid not in repo["commits"]:
        raise Refusal(404, "Invalid rev id", "RevisionNotFound")
    return oid, repo["commits"][oid]["files"]


def user_of(request):
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token and token not in USERS:
        raise Refusal(401, "Invalid user token.")
    return USERS.get(token)


def check_write(request, repo_id):
    if user_of(request) is None:
        raise Refusal(401, "Invalid username or password.")
    if user_of(request) != repo_id.split("/")[0] or "hf_reader" in request.headers["authorization"]:
        raise Refusal(403, "You don't have the rights to write here")


def build(hub):
    """The web application."""
    app = FastAPI(openapi_url=None)

    @app.exception_handler(Refusal)
    async def refuse(request, refusal):
        return refusal.response

    @app.middleware("http")
    async def log_and_fail(request, call_next):
        line = f"{request.method} {request.url.path}"
        hub.requests.append(line)
        answers = (fault(request) for pattern, fault in hub.faults if re.search(pattern, line))
        return next(filter(None, answers), None) or await call_next(request)

    @app.get("/api/whoami-v2")
    def whoami(request: Request):
        if (name := user_of(request)) is None:
            raise Refusal(401, "Invalid user token.")
        role = "read" if "hf_reader" in request.headers["authorization"] else "write"
        orgs = [{"name": "my-club"}] if name == "me" else []
        return {"name": name, "orgs": orgs, "auth": {"accessToken": {"role": role}}}

    @app.post("/api/validate-yaml")
    def validate_yaml():
        return {"errors": [], "warnings": []}

    @app.post("/api/repos/create")
    async def create(request: Request):
        wanted = await request.json()
        repo_id = f"{wanted['organization'] or user_of(request)}/{wanted['name']}"
        kind = wanted.get("type", "model") + "s"
        check_write(request, repo_id)
        place = "spaces/" if kind == "spaces" else ""
        url = f"{request.base_url}{place}{repo_id}"
        if hub.path(kind, repo_id).exists():
            message = {"error": "You already created this repo", "url": url}
            return JSONResponse(message, 409)
        made = hub.make(repo_id, kind=kind, private=wanted.get("visibility") == "private")
        hub.write(kind, repo_id, made | {"sdk": wanted.get("sdk")})
        return {"url": url}

    @app.delete("/api/repos/delete")
    async def delete(request: Request):
        wanted = await request.json()
        repo_id = f"{wanted['organization'] or user_of(request)}/{wanted['name']}"
        check_write(request, repo_id)
        hub.path(wanted.get("type", "model") + "s", repo_id).unlink()

    @app.get("/api/{kind}/{user}/{name}")
    @app.get("/api/{kind}/{user}/{name}/revision/{revision:path}")
    def info(request: Request, kind: str, user: str, name: str, revision: str = "main"):
        repo_id = f"{user}/{name}"
        repo = hub.read(kind, repo_id, user_of(request))
        oid, files = resolve(repo, revision)
        siblings = [
            {"rfilename": path, "size": file["size"], "blobId": file["oid"],
             "lfs": large_file(file, "sha256")}
            for path, file in files.items()
        ]
        return {"id": repo_id, "sha": oid, "private": repo["private"], "siblings": siblings}

    @app.get("/api/{kind}/{user}/{name}/tree/{revision}")
    def tree(request: Request, kind: str, user: str, name: str, revision: str):
        _, files = resolve(hub.read(kind, f"{user}/{name}", user_of(request)), revision)
        return [
            {"type": "file", "path": path, "size": file["size"], "oid": file["oid"],
             "lfs": large_file(file, "oid")}
            for path, file in files.items()
        ]

    @app.post("/api/{kind}/{user}/{name}/{sort}/{revision}")
    async def point(
        request: Request, kind: str, user: str, name: str, sort: str, revision: str,
        create_pr: bool = False,
    ):
        """Upload modes, commits, new tags and branches."""
        repo_id = f"{user}/{name}"
        if not create_pr:
            check_write(request, repo_id)
        repo = hub.read(kind, repo_id, user_of(request))
        if sort == "preupload":
            resolve(repo, revision)
            return {"files": [
                {"path": file["path"], "shouldIgnore": False,
                 "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular"}
                for file in (await request.json())["files"]
            ]}
        if sort in ("tag", "branch"):
            new = (await request.json())["tag"] if sort == "tag" else revision
            repo["refs"][new] = repo["refs"].get(revision, repo["refs"]["main"])
            hub.write(kind, repo_id, repo)
            return None
        head, files = resolve(repo, revision)
        lines = [json.loads(line) for line in (await request.body()).splitlines()]
        header = lines.pop(0)["value"]
        if header.get("parentCommit") not in (None, head):
            raise Refusal(412, "A commit has happened since. Please refresh and try again.")
        branch = f"refs/pr/{len(repo['refs'])}" if create_pr else revision
        repo["refs"][branch] = head
        oid = hub.add_commit(repo, branch, applied(hub, files, lines), header["summary"])
        hub.write(kind, repo_id, repo)
        page = f"{request.base_url}{'spaces/' if kind == 'spaces' else ''}{repo_id}"
        return {"commitUrl": f"{page}/commit/{oid}", "commitOid": oid,
                "pullRequestUrl": f"{page}/discussions/{branch[8:]}"}

    @app.post("/{user}/{name}.git/info/lfs/objects/batch")
    @app.post("/spaces/{user}/{name}.git/info/lfs/objects/batch")
    async def batch(request: Request, user: str, name: str):
        objects = (await request.json())["objects"]
        for item in objects:
            if not hub.has(item["oid"]):
                href = f"{request.base_url}upload/{item['oid']}"
                item["actions"] = {"upload": {"href": href}}
        return {"transfer": "basic", "objects": objects}

    @app.put("/upload/{digest}")
    async def upload(request: Request, digest: str):
        content = await request.body()
        assert hashlib.sha256(content).hexdigest() == digest
        hub.store(content)

    @app.head("/{user}/{name}/resolve/{revision}/{path:path}")
    @app.get("/{user}/{name}/resolve/{revision}/{path:path}")
    def content(request: Request, user: str, name: str, revision: str, path: str):
        repo = hub.read("models", f"{user}/{name}", user_of(request))
        oid, files = resolve(repo, revision)
        if path not in files:
            raise Refusal(404, "Entry not found", "EntryNotFound")
        file = files[path]
        headers = {
            "X-Repo-Commit": oid, "ETag": f'"{file["sha256" if file["large"] else "oid"]}"',
            "Accept-Ranges": "bytes", "Content-Length": str(file["size"]),
        }
        if request.method == "HEAD":
            return Response(headers=headers)
        body = (hub.folder / "blobs" / file["oid"]).read_bytes()
        if wanted := re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", "")):
            start = int(wanted[1])
            headers |= {
                "Content-Length": str(len(body) - start),
                "Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}",
            }
            return Response(body[start:], 206, headers)
        return Response(body, headers=headers)

    return app


def large_file(file, key):
    """What listings tell of a large file; they differ in what they call its hash."""
    about = {key: file["sha256"], "size": file["size"], "pointerSize": 134}
    return about if file["large"] else None


def applied(hub, files, lines):
    """A commit's files: its parent's, changed by its lines."""
    files = dict(files)
    for line in lines:
        value = line["value"]
        if line["key"] == "file":
            files[value["path"]] = hub.store(base64.b64decode(value["content"]))
        elif line["key"] == "lfsFile":
            stored = hub.store((hub.folder / "blobs" / value["oid"]).read_bytes())
            files[value["path"]] = stored | {"large": True}
        else:
            assert line["key"] == "deletedFile", line
            del files[value["path"]]
    return files


def cut_short(content, sent):
    """An answer that promises `content` and breaks off after `sent` bytes."""
    headers = {"Content-Length": str(len(content))}
    return StreamingResponse(iter([content[:sent]]), headers=headers)


def start(hub):
    """Serve in a thread; returns the address and a function that stops it."""
    config = uvicorn.Config(
        build(hub), host="127.0.0.1", port=0, ws="none", lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]

    def stop():
        server.should_exit = True
        thread.join()

    return f"http://127.0.0.1:{port}", stop
