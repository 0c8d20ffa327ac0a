#!/usr/bin/env bash
# The step "Lint" of action.yml: inputs come as INPUT_*, files of the runner as GITHUB_*.
set -euo pipefail
shopt -s globstar nullglob

# A pattern a line; spaces are part of it, and what a line expands to is never an option.
models=()
while IFS= read -r pattern; do
  [[ -n ${pattern//[[:space:]]/} ]] || continue
  IFS=
  # shellcheck disable=SC2206 # expanding the pattern is what is wanted
  found=($pattern)
  unset IFS
  [[ ${#found[@]} -gt 0 || $pattern == *[*?[]* ]] || found=("$pattern")
  for path in ${found[@]+"${found[@]}"}; do
    [[ $path == [-@]* ]] && path=./$path
    models+=("$path")
  done
done <<< "$INPUT_MODELS"
if [[ ${#models[@]} -eq 0 ]]; then
  echo "::error title=rkgraph::no model is named so: look at the input models"
  echo "exit-code=2" >> "$GITHUB_OUTPUT"
  exit 2
fi

folder=$(mktemp -d "${RUNNER_TEMP:-/tmp}/rkgraph.XXXXXX")
options=(--json-output "$INPUT_REPORT" --markdown-output "$folder/comment.md" --github-output "$folder/annotations")
[[ -z $INPUT_SARIF ]] || options+=(--sarif-output "$INPUT_SARIF")
[[ -z $INPUT_TARGET ]] || options+=(--target "$INPUT_TARGET")
[[ -z $INPUT_RULES ]] || options+=(--rules "$INPUT_RULES")
[[ -z $INPUT_FAIL_ON ]] || options+=(--fail-on "$INPUT_FAIL_ON")
[[ -z $INPUT_BASELINE ]] || options+=(--baseline "$INPUT_BASELINE")
[[ -z $INPUT_CONFIG ]] || options+=(--config "$INPUT_CONFIG")
while IFS= read -r word; do
  [[ -z $word ]] || options+=("$word")
done <<< "$INPUT_ARGUMENTS"

# Names in models are printed to the log: for as long as that lasts, nothing in it is a command to the runner.
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
echo "::stop-commands::$token"
code=0
rkgraph lint "${models[@]}" "${options[@]}" || code=$?
echo "::$token::"

if [[ $INPUT_ANNOTATIONS == true && -f $folder/annotations ]]; then
  cat "$folder/annotations"
fi
if [[ $INPUT_SUMMARY == true && -f $folder/comment.md ]]; then
  cat "$folder/comment.md" >> "$GITHUB_STEP_SUMMARY"
fi
{
  echo "exit-code=$code"
  # What ended before anything was linted has written nothing; paths are inputs, and a line of them is one line.
  [[ ! -f $INPUT_REPORT ]] || echo "report=${INPUT_REPORT//[$'\r\n']/}"
  [[ -z $INPUT_SARIF || ! -f $INPUT_SARIF ]] || echo "sarif=${INPUT_SARIF//[$'\r\n']/}"
  [[ ! -f $folder/comment.md ]] || echo "markdown=$folder/comment.md"
} >> "$GITHUB_OUTPUT"
exit "$code"
