"""Plays GitHub: REST and GraphQL, on Git histories that a scenario tells.

A stand-in is worth what it shares with the real thing. So GraphQL runs on GitHub's own published
schema; REST is held against GitHub's OpenAPI description by the tests; commit ranges are computed
from the graph of commits; and what is not played is refused loudly, with 501, never left out.

Documented by GitHub, and played so: the endpoints and their pages (a comparison without page
parameters has its latest 250 commits; a pull request over REST its first 250), the headers that a
request must have, authentication, rate limits and what exceeding them looks like, conditional
requests, redirects of renamed repositories, the cost of a query and its limits, the three ways to
merge a pull request and the words of their commits, indirect merges, and that the pull requests
associated with a commit are the merged ones and, while the commit is not on the default branch,
the open ones.

Known from use, not documented: that GraphQL lists all commits of a pull request, and not 250; the
words of errors and their `type` in GraphQL; 422 for a commit that does not exist and 404 for a
comparison with one; that a merge commit, a squash commit and every rebased commit are associated
with their pull request; that an Enterprise Server without rate limits says nothing of them, and
that names are the same in any case of letters.

A repository that the token cannot see is one that does not exist, so there is no way to tell of it.
"""

ROOT = "/_github"
"""The path of the API: `ROOT` as on github.com, `ROOT/api/v3` as on Enterprise Server."""

TOKEN = "github_pat_of_the_stage"
