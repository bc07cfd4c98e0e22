"""The comments on an API. The Developer Portal's REST API has the same resources: see `CommentsResource`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.rest.documents import Moment, Strict, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page
from publisher import comment_terms, discussion
from publisher.api.access import OfAnApi
from publisher.comment_terms import MOST_REPLIES, EntryPoint
from publisher.models import Comment
from publisher.operations import comments as operations


class Commenter(serializers.Serializer):  # type: ignore[type-arg]
    """Who wrote a comment."""

    firstName = serializers.CharField(source="first_name")
    lastName = serializers.CharField(source="last_name")
    fullName = serializers.CharField(source="display_name")


class ReplyBody(Strict):
    """A comment that answers another one."""

    id = serializers.UUIDField(read_only=True)
    content = serializers.CharField(source="text", max_length=comment_terms.LENGTH)
    createdTime = Moment(source="created_at")
    createdBy = serializers.CharField(source="author.username", read_only=True)
    updatedTime = Moment(source="updated_at")
    category = serializers.CharField(required=False, max_length=operations.CATEGORY_LENGTH)
    parentCommentId = serializers.UUIDField(source="parent_id", read_only=True)
    entryPoint = serializers.CharField(source="entry_point", read_only=True)
    commenterInfo = Commenter(source="author", read_only=True)


ReplyList = list_of(ReplyBody, "ReplyList")


class CommentBody(ReplyBody):
    """A comment, with the replies to it."""

    replies = serializers.SerializerMethodField()

    @extend_schema_field(ReplyList)
    def get_replies(self, comment: Comment) -> dict[str, Any]:
        """All of them, oldest first."""
        listed = [ReplyBody(each).data for each in comment.replies.all()]
        page = {"offset": 0, "limit": MOST_REPLIES, "total": len(listed), "next": "", "previous": ""}
        return {"count": len(listed), "list": listed, "pagination": page}


CommentList = list_of(CommentBody, "CommentList")


class CommentsResource(OfAnApi):
    """What the two portals share: `api` finds the API as one of them shows it."""

    field_names: ClassVar[Mapping[str, str]] = {"text": "content", "parent": "replyTo"}
    entry_point: ClassVar[EntryPoint] = EntryPoint.PUBLISHER


class Comments(CommentsResource):
    """The threads."""

    @extend_schema(
        operation_id="getAllCommentsOfAPI",
        summary="List the comments on an API",
        tags=["Comments"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: CommentList}, 400, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """The newest threads first, each with its replies."""
        rows = discussion.threads_of(self.api(api_id))
        return Response(one_page(request, rows, lambda row: CommentBody(row).data))

    @extend_schema(
        operation_id="addCommentToAPI",
        summary="Write a comment",
        tags=["Comments"],
        parameters=[OpenApiParameter("replyTo", str, description="The comment that it answers.")],
        request=ReplyBody,
        responses=answers({201: CommentBody}, 400, 403, 404, 409, 429),
    )
    def post(self, request: Request, api_id: UUID) -> Response:
        """At most ten a minute."""
        api, body = self.api(api_id), ReplyBody(data=request.data)
        body.is_valid(raise_exception=True)
        reply_to = request.query_params.get("replyTo")
        made = operations.create_comment(
            api=api,
            parent=discussion.get_comment(api, reply_to) if reply_to else None,
            entry_point=self.entry_point,
            **body.validated_data,
            **self.by,
        )
        return Response(CommentBody(made).data, 201, headers={"Location": f"{request.path}/{made.pk}"})


class OneComment(CommentsResource):
    """One comment or reply."""

    @extend_schema(
        operation_id="getCommentOfAPI",
        summary="Read a comment",
        tags=["Comments"],
        responses=answers({200: CommentBody}, 404),
    )
    def get(self, request: Request, api_id: UUID, comment_id: UUID) -> Response:
        """With the replies to it."""
        return Response(CommentBody(discussion.get_comment(self.api(api_id), comment_id)).data)

    @extend_schema(
        operation_id="editCommentOfAPI",
        summary="Change a comment",
        tags=["Comments"],
        request=ReplyBody,
        responses=answers({200: CommentBody}, 400, 403, 404),
    )
    def patch(self, request: Request, api_id: UUID, comment_id: UUID) -> Response:
        """Only who wrote it may."""
        comment = discussion.get_comment(self.api(api_id), comment_id)
        body = ReplyBody(comment, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        given = {"text": comment.text, **body.validated_data}
        return Response(CommentBody(operations.update_comment(comment=comment, **given, **self.by)).data)

    @extend_schema(
        operation_id="deleteComment",
        summary="Delete a comment",
        tags=["Comments"],
        responses=answers({200: None}, 403, 404),
    )
    def delete(self, request: Request, api_id: UUID, comment_id: UUID) -> Response:
        """With the replies to it. Who wrote it may, a publisher and an administrator."""
        operations.delete_comment(comment=discussion.get_comment(self.api(api_id), comment_id), **self.by)
        return Response()


class Replies(CommentsResource):
    """The replies to a comment."""

    @extend_schema(
        operation_id="getRepliesOfComment",
        summary="List the replies to a comment",
        tags=["Comments"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: ReplyList}, 400, 404),
    )
    def get(self, request: Request, api_id: UUID, comment_id: UUID) -> Response:
        """Oldest first."""
        rows = discussion.replies_to(discussion.get_comment(self.api(api_id), comment_id))
        return Response(one_page(request, rows, lambda row: ReplyBody(row).data))
